// What node-postgres sends by itself.
const { Client, Pool } = require("pg");
const Cursor = require("pg-cursor");

(async () => {
  const options = { host: process.argv[2], port: 5555, user: "postgres", database: "postgres", statement_timeout: 5000 };
  const client = new Client(options);
  await client.connect();
  await client.query("SELECT 1");
  await client.query("SELECT $1::int, $2::text, $3::jsonb", [1, "x", { a: 1 }]);
  await client.query({ name: "named", text: "SELECT * FROM account WHERE id = $1", values: [1] });
  await client.query("BEGIN");
  await client.query("COMMIT");
  const cursor = client.query(new Cursor("SELECT generate_series(1, 10)"));
  await cursor.read(3);
  await cursor.close();
  await client.end();
  const pool = new Pool(options);
  await pool.query("SELECT NOW()");
  await pool.end();
})();
