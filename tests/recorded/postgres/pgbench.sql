-- Sent by pgbench 15; recorded from PostgreSQL 15's log. Statements are separated by lines of `--;`.
--;
drop table if exists pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers
--;
create table pgbench_history(tid int,bid int,aid    int,delta int,mtime timestamp,filler char(22))
--;
create table pgbench_tellers(tid int not null,bid int,tbalance int,filler char(84)) with (fillfactor=100)
--;
create table pgbench_accounts(aid    int not null,bid int,abalance int,filler char(84)) with (fillfactor=100)
--;
create table pgbench_branches(bid int not null,bbalance int,filler char(88)) with (fillfactor=100)
--;
begin
--;
truncate table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers
--;
insert into pgbench_branches(bid,bbalance) values(1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (1,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (2,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (3,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (4,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (5,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (6,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (7,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (8,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (9,1,0)
--;
insert into pgbench_tellers(tid,bid,tbalance) values (10,1,0)
--;
copy pgbench_accounts from stdin with (freeze on)
--;
commit
--;
vacuum analyze pgbench_branches
--;
vacuum analyze pgbench_tellers
--;
vacuum analyze pgbench_accounts
--;
vacuum analyze pgbench_history
--;
alter table pgbench_branches add primary key (bid)
--;
alter table pgbench_tellers add primary key (tid)
--;
alter table pgbench_accounts add primary key (aid)
--;
insert into pgbench_branches(bid,bbalance) select bid, 0 from generate_series(1, 1) as bid
--;
insert into pgbench_tellers(tid,bid,tbalance) select tid, (tid - 1) / 10 + 1, 0 from generate_series(1, 10) as tid
--;
insert into pgbench_accounts(aid,bid,abalance,filler) select aid, (aid - 1) / 100000 + 1, 0, '' from generate_series(1, 100000) as aid
--;
alter table pgbench_tellers add constraint pgbench_tellers_bid_fkey foreign key (bid) references pgbench_branches
--;
alter table pgbench_accounts add constraint pgbench_accounts_bid_fkey foreign key (bid) references pgbench_branches
--;
alter table pgbench_history add constraint pgbench_history_bid_fkey foreign key (bid) references pgbench_branches
--;
alter table pgbench_history add constraint pgbench_history_tid_fkey foreign key (tid) references pgbench_tellers
--;
alter table pgbench_history add constraint pgbench_history_aid_fkey foreign key (aid) references pgbench_accounts
--;
select count(*) from pgbench_branches
--;
select o.n, p.partstrat, pg_catalog.count(i.inhparent) from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on (n.oid = c.relnamespace) cross join lateral (select pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname)) as o(n) left join pg_catalog.pg_partitioned_table as p on (p.partrelid = c.oid) left join pg_catalog.pg_inherits as i on (c.oid = i.inhparent) where c.relname = 'pgbench_accounts' and o.n is not null group by 1, 2 order by 1 asc limit 1
--;
vacuum pgbench_branches
--;
vacuum pgbench_tellers
--;
truncate pgbench_history
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 39770;
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 88032;
--;
BEGIN;
--;
UPDATE pgbench_accounts SET abalance = abalance + 4313 WHERE aid = 60442;
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 60442;
--;
UPDATE pgbench_tellers SET tbalance = tbalance + 4313 WHERE tid = 4;
--;
UPDATE pgbench_branches SET bbalance = bbalance + 4313 WHERE bid = 1;
--;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (4, 1, 60442, 4313, CURRENT_TIMESTAMP);
--;
END;
--;
UPDATE pgbench_accounts SET abalance = abalance + 2387 WHERE aid = 17672;
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 17672;
--;
UPDATE pgbench_tellers SET tbalance = tbalance + 2387 WHERE tid = 5;
--;
UPDATE pgbench_branches SET bbalance = bbalance + 2387 WHERE bid = 1;
--;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (5, 1, 17672, 2387, CURRENT_TIMESTAMP);
--;
UPDATE pgbench_accounts SET abalance = abalance + 627 WHERE aid = 60124;
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 60124;
--;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (3, 1, 60124, 627, CURRENT_TIMESTAMP);
--;
UPDATE pgbench_accounts SET abalance = abalance + -3909 WHERE aid = 34191;
--;
SELECT abalance FROM pgbench_accounts WHERE aid = 34191;
--;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (6, 1, 34191, -3909, CURRENT_TIMESTAMP);
--;
-- parameters: $1 = '25949'
SELECT abalance FROM pgbench_accounts WHERE aid = $1;
--;
-- parameters: $1 = '4261', $2 = '30935'
UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;
--;
-- parameters: $1 = '4261', $2 = '7'
UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2;
--;
-- parameters: $1 = '4261', $2 = '1'
UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2;
--;
-- parameters: $1 = '7', $2 = '1', $3 = '30935', $4 = '4261'
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP);
--;
DROP TABLE pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers
