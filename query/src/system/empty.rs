//! Tables of pg_catalog that are always empty: what they list does not exist here.
//!
//! pg_amproc among them: what compares index entries is no function of SQL's.

use super::cell::Push;
use crate::expression::Session;
use crate::{Arena, Result};

fn none<'a>(_: &dyn Session, _: &'a Arena, _: Push<'_, 'a>) -> Result<()> {
    Ok(())
}

super::tables! {
    "pg_catalog";
    pg_description 2609 none {
        objoid OID, classoid OID, objsubid INT4, description TEXT
    }
    pg_inherits 2611 none {
        inhrelid OID, inhparent OID, inhseqno INT4, inhdetachpending BOOL
    }
    pg_partitioned_table 3350 none {
        partrelid OID, partstrat CHAR, partnatts INT2, partdefid OID, partattrs INT2VECTOR,
        partclass OIDVECTOR, partcollation OIDVECTOR, partexprs PG_NODE_TREE
    }
    pg_trigger 2620 none {
        oid OID, tgrelid OID, tgparentid OID, tgname NAME, tgfoid OID, tgtype INT2, tgenabled CHAR,
        tgisinternal BOOL, tgconstrrelid OID, tgconstrindid OID, tgconstraint OID,
        tgdeferrable BOOL, tginitdeferred BOOL, tgnargs INT2, tgattr INT2VECTOR, tgargs BYTEA,
        tgqual PG_NODE_TREE, tgoldtable NAME, tgnewtable NAME
    }
    pg_rewrite 2618 none {
        oid OID, rulename NAME, ev_class OID, ev_type CHAR, ev_enabled CHAR, is_instead BOOL,
        ev_qual PG_NODE_TREE, ev_action PG_NODE_TREE
    }
    pg_policy 3256 none {
        oid OID, polname NAME, polrelid OID, polcmd CHAR, polpermissive BOOL, polroles [OID],
        polqual PG_NODE_TREE, polwithcheck PG_NODE_TREE
    }
    pg_seclabel 3596 none {
        objoid OID, classoid OID, objsubid INT4, provider TEXT, label TEXT
    }
    pg_shseclabel 3592 none {
        objoid OID, classoid OID, provider TEXT, label TEXT
    }
    pg_init_privs 3394 none {
        objoid OID, classoid OID, objsubid INT4, privtype CHAR, initprivs [ACLITEM]
    }
    pg_foreign_table 3118 none {
        ftrelid OID, ftserver OID, ftoptions [TEXT]
    }
    pg_foreign_server 1417 none {
        oid OID, srvname NAME, srvowner OID, srvfdw OID, srvtype TEXT, srvversion TEXT,
        srvacl [ACLITEM], srvoptions [TEXT]
    }
    pg_foreign_data_wrapper 2328 none {
        oid OID, fdwname NAME, fdwowner OID, fdwhandler OID, fdwvalidator OID, fdwacl [ACLITEM],
        fdwoptions [TEXT]
    }
    pg_user_mapping 1418 none {
        oid OID, umuser OID, umserver OID, umoptions [TEXT]
    }
    pg_statistic 2619 none {
        starelid OID, staattnum INT2, stainherit BOOL, stanullfrac FLOAT4, stawidth INT4,
        stadistinct FLOAT4, stakind1 INT2, stakind2 INT2, stakind3 INT2, stakind4 INT2,
        stakind5 INT2, staop1 OID, staop2 OID, staop3 OID, staop4 OID, staop5 OID, stacoll1 OID,
        stacoll2 OID, stacoll3 OID, stacoll4 OID, stacoll5 OID, stanumbers1 [FLOAT4],
        stanumbers2 [FLOAT4], stanumbers3 [FLOAT4], stanumbers4 [FLOAT4], stanumbers5 [FLOAT4],
        stavalues1 [TEXT], stavalues2 [TEXT], stavalues3 [TEXT], stavalues4 [TEXT],
        stavalues5 [TEXT]
    }
    pg_statistic_ext 3381 none {
        oid OID, stxrelid OID, stxname NAME, stxnamespace OID, stxowner OID, stxstattarget INT4,
        stxkeys INT2VECTOR, stxkind [CHAR], stxexprs PG_NODE_TREE
    }
    pg_publication 6104 none {
        oid OID, pubname NAME, pubowner OID, puballtables BOOL, pubinsert BOOL, pubupdate BOOL,
        pubdelete BOOL, pubtruncate BOOL, pubviaroot BOOL
    }
    pg_publication_rel 6106 none {
        oid OID, prpubid OID, prrelid OID, prqual PG_NODE_TREE, prattrs INT2VECTOR
    }
    pg_publication_namespace 6237 none {
        oid OID, pnpubid OID, pnnspid OID
    }
    pg_subscription 6100 none {
        oid OID, subdbid OID, subskiplsn PG_LSN, subname NAME, subowner OID, subenabled BOOL,
        subbinary BOOL, substream BOOL, subtwophasestate CHAR, subdisableonerr BOOL,
        subconninfo TEXT, subslotname NAME, subsynccommit TEXT, subpublications [TEXT]
    }
    pg_subscription_rel 6102 none {
        srsubid OID, srrelid OID, srsubstate CHAR, srsublsn PG_LSN
    }
    pg_largeobject 2613 none {
        loid OID, pageno INT4, data BYTEA
    }
    pg_largeobject_metadata 2995 none {
        oid OID, lomowner OID, lomacl [ACLITEM]
    }
    pg_default_acl 826 none {
        oid OID, defaclrole OID, defaclnamespace OID, defaclobjtype CHAR, defaclacl [ACLITEM]
    }
    pg_event_trigger 3466 none {
        oid OID, evtname NAME, evtevent NAME, evtowner OID, evtfoid OID, evtenabled CHAR,
        evttags [TEXT]
    }
    pg_replication_origin 6000 none {
        roident OID, roname TEXT
    }
    pg_extension 3079 none {
        oid OID, extname NAME, extowner OID, extnamespace OID, extrelocatable BOOL,
        extversion TEXT, extconfig [OID], extcondition [TEXT]
    }
    pg_transform 3576 none {
        oid OID, trftype OID, trflang OID, trffromsql REGPROC, trftosql REGPROC
    }
    pg_amproc 2603 none {
        oid OID, amprocfamily OID, amproclefttype OID, amprocrighttype OID, amprocnum INT2,
        amproc REGPROC
    }
    pg_enum 3501 none {
        oid OID, enumtypid OID, enumsortorder FLOAT4, enumlabel NAME
    }
    pg_range 3541 none {
        rngtypid OID, rngsubtype OID, rngmultitypid OID, rngcollation OID, rngsubopc OID,
        rngcanonical REGPROC, rngsubdiff REGPROC
    }
    pg_conversion 2607 none {
        oid OID, conname NAME, connamespace OID, conowner OID, conforencoding INT4,
        contoencoding INT4, conproc REGPROC, condefault BOOL
    }
    pg_ts_config 3602 none {
        oid OID, cfgname NAME, cfgnamespace OID, cfgowner OID, cfgparser OID
    }
    pg_ts_config_map 3603 none {
        mapcfg OID, maptokentype INT4, mapseqno INT4, mapdict OID
    }
    pg_ts_dict 3600 none {
        oid OID, dictname NAME, dictnamespace OID, dictowner OID, dicttemplate OID,
        dictinitoption TEXT
    }
    pg_ts_parser 3601 none {
        oid OID, prsname NAME, prsnamespace OID, prsstart REGPROC, prstoken REGPROC,
        prsend REGPROC, prsheadline REGPROC, prslextype REGPROC
    }
    pg_ts_template 3764 none {
        oid OID, tmplname NAME, tmplnamespace OID, tmplinit REGPROC, tmpllexize REGPROC
    }
    pg_auth_members 1261 none {
        roleid OID, member OID, grantor OID, admin_option BOOL
    }
    pg_shdepend 1214 none {
        dbid OID, classid OID, objid OID, objsubid INT4, refclassid OID, refobjid OID, deptype CHAR
    }
    pg_shdescription 2396 none {
        objoid OID, classoid OID, description TEXT
    }
    pg_db_role_setting 2964 none {
        setdatabase OID, setrole OID, setconfig [TEXT]
    }
    pg_parameter_acl 6243 none {
        oid OID, parname TEXT, paracl [ACLITEM]
    }
    pg_group 12010 none {
        groname NAME, grosysid OID, grolist [OID]
    }
    pg_available_extensions 12081 none {
        name NAME, default_version TEXT, installed_version TEXT, comment TEXT
    }
    pg_available_extension_versions 12085 none {
        name NAME, version TEXT, installed BOOL, superuser BOOL, trusted BOOL, relocatable BOOL,
        schema NAME, requires [NAME], comment TEXT
    }
    pg_prepared_xacts 12090 none {
        transaction XID, gid TEXT, prepared TIMESTAMPTZ, owner NAME, database NAME
    }
    pg_stat_replication 12227 none {
        pid INT4, usesysid OID, usename NAME, application_name TEXT, client_addr TEXT,
        client_hostname TEXT, client_port INT4, backend_start TIMESTAMPTZ, backend_xmin XID,
        state TEXT, sent_lsn PG_LSN, write_lsn PG_LSN, flush_lsn PG_LSN, replay_lsn PG_LSN,
        write_lag INTERVAL, flush_lag INTERVAL, replay_lag INTERVAL, sync_priority INT4,
        sync_state TEXT, reply_time TIMESTAMPTZ
    }
    pg_replication_slots 12257 none {
        slot_name NAME, plugin NAME, slot_type TEXT, datoid OID, database NAME, temporary BOOL,
        active BOOL, active_pid INT4, xmin XID, catalog_xmin XID, restart_lsn PG_LSN,
        confirmed_flush_lsn PG_LSN, wal_status TEXT, safe_wal_size INT8, two_phase BOOL
    }
    pg_stat_replication_slots 12262 none {
        slot_name TEXT, spill_txns INT8, spill_count INT8, spill_bytes INT8, stream_txns INT8,
        stream_count INT8, stream_bytes INT8, total_txns INT8, total_bytes INT8,
        stats_reset TIMESTAMPTZ
    }
    pg_stat_wal_receiver 12236 none {
        pid INT4, status TEXT, receive_start_lsn PG_LSN, receive_start_tli INT4,
        written_lsn PG_LSN, flushed_lsn PG_LSN, received_tli INT4, last_msg_send_time TIMESTAMPTZ,
        last_msg_receipt_time TIMESTAMPTZ, latest_end_lsn PG_LSN, latest_end_time TIMESTAMPTZ,
        slot_name TEXT, sender_host TEXT, sender_port INT4, conninfo TEXT
    }
    pg_stat_subscription 12244 none {
        subid OID, subname NAME, pid INT4, relid OID, received_lsn PG_LSN,
        last_msg_send_time TIMESTAMPTZ, last_msg_receipt_time TIMESTAMPTZ, latest_end_lsn PG_LSN,
        latest_end_time TIMESTAMPTZ
    }
    pg_replication_origin_status 12332 none {
        local_id OID, external_id TEXT, remote_lsn PG_LSN, local_lsn PG_LSN
    }
    pg_stat_progress_analyze 12297 none {
        pid INT4, datid OID, datname NAME, relid OID, phase TEXT, sample_blks_total INT8,
        sample_blks_scanned INT8, ext_stats_total INT8, ext_stats_computed INT8,
        child_tables_total INT8, child_tables_done INT8, current_child_table_relid OID
    }
    pg_stat_progress_basebackup 12317 none {
        pid INT4, phase TEXT, backup_total INT8, backup_streamed INT8, tablespaces_total INT8,
        tablespaces_streamed INT8
    }
    pg_stat_progress_cluster 12307 none {
        pid INT4, datid OID, datname NAME, relid OID, command TEXT, phase TEXT,
        cluster_index_relid OID, heap_tuples_scanned INT8, heap_tuples_written INT8,
        heap_blks_total INT8, heap_blks_scanned INT8, index_rebuild_count INT8
    }
    pg_stat_progress_copy 12322 none {
        pid INT4, datid OID, datname NAME, relid OID, command TEXT, type TEXT,
        bytes_processed INT8, bytes_total INT8, tuples_processed INT8, tuples_excluded INT8
    }
    pg_stat_progress_create_index 12312 none {
        pid INT4, datid OID, datname NAME, relid OID, index_relid OID, command TEXT, phase TEXT,
        lockers_total INT8, lockers_done INT8, current_locker_pid INT8, blocks_total INT8,
        blocks_done INT8, tuples_total INT8, tuples_done INT8, partitions_total INT8,
        partitions_done INT8
    }
    pg_stat_progress_vacuum 12302 none {
        pid INT4, datid OID, datname NAME, relid OID, phase TEXT, heap_blks_total INT8,
        heap_blks_scanned INT8, heap_blks_vacuumed INT8, index_vacuum_count INT8,
        max_dead_tuples INT8, num_dead_tuples INT8
    }
    pg_stat_user_functions 12275 none {
        funcid OID, schemaname NAME, funcname NAME, calls INT8, total_time FLOAT8, self_time FLOAT8
    }
    pg_matviews 12038 none {
        schemaname NAME, matviewname NAME, matviewowner NAME, tablespace NAME, hasindexes BOOL,
        ispopulated BOOL, definition TEXT
    }
    pg_rules 12023 none {
        schemaname NAME, tablename NAME, rulename NAME, definition TEXT
    }
    pg_policies 12018 none {
        schemaname NAME, tablename NAME, policyname NAME, permissive TEXT, roles [NAME], cmd TEXT,
        qual TEXT, with_check TEXT
    }
    pg_publication_tables 12068 none {
        pubname NAME, schemaname NAME, tablename NAME, attnames [NAME], rowfilter TEXT
    }
    pg_seclabels 12099 none {
        objoid OID, classoid OID, objsubid INT4, objtype TEXT, objnamespace OID, objname TEXT,
        provider TEXT, label TEXT
    }
    pg_user_mappings 12327 none {
        umid OID, srvid OID, srvname NAME, umuser OID, usename NAME, umoptions [TEXT]
    }
    pg_stats 12053 none {
        schemaname NAME, tablename NAME, attname NAME, inherited BOOL, null_frac FLOAT4,
        avg_width INT4, n_distinct FLOAT4, most_common_vals [TEXT], most_common_freqs [FLOAT4],
        histogram_bounds [TEXT], correlation FLOAT4, most_common_elems [TEXT],
        most_common_elem_freqs [FLOAT4], elem_count_histogram [FLOAT4]
    }
    pg_stats_ext 12058 none {
        schemaname NAME, tablename NAME, statistics_schemaname NAME, statistics_name NAME,
        statistics_owner NAME, attnames [NAME], exprs [TEXT], kinds [CHAR], inherited BOOL,
        n_distinct TEXT, dependencies TEXT, most_common_vals [TEXT], most_common_val_nulls [BOOL],
        most_common_freqs [FLOAT8], most_common_base_freqs [FLOAT8]
    }
    pg_stats_ext_exprs 12063 none {
        schemaname NAME, tablename NAME, statistics_schemaname NAME, statistics_name NAME,
        statistics_owner NAME, expr TEXT, inherited BOOL, null_frac FLOAT4, avg_width INT4,
        n_distinct FLOAT4, most_common_vals [TEXT], most_common_freqs [FLOAT4],
        histogram_bounds [TEXT], correlation FLOAT4, most_common_elems [TEXT],
        most_common_elem_freqs [FLOAT4], elem_count_histogram [FLOAT4]
    }
}
