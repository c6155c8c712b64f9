// node-postgres: parameters as text, named statements, transactions, errors, pool.
const { Client, Pool } = require('pg')
const { isDeepStrictEqual } = require('util')

function same(what, got, wanted) {
  if (!isDeepStrictEqual(got, wanted)) {
    console.log(`FAILED ${what}:\n  got    ${JSON.stringify(got)}\n  wanted ${JSON.stringify(wanted)}`)
    process.exit(1)
  }
  console.log(`ok ${what}`)
}

async function fails(what, work, wanted) {
  try {
    await work()
  } catch (error) {
    for (const [name, value] of Object.entries(wanted)) same(`${what}: ${name}`, error[name], value)
    return
  }
  same(what, 'no error', wanted)
}

async function main() {
  const client = new Client()
  const notices = []
  client.on('notice', (notice) => notices.push(notice.code))
  await client.connect()
  await client.query('CREATE TABLE part (id serial PRIMARY KEY, name text NOT NULL, price float8, made timestamptz, doc jsonb, tags text[])')
  const made = new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4))
  const inserted = await client.query(
    'INSERT INTO part (name, price, made, doc, tags) VALUES ($1, $2, $3, $4, $5) RETURNING id',
    ['ö', 1.5, made, { a: [1, null] }, ['x', 'y z']])
  same('RETURNING', inserted.rows, [{ id: 1 }])
  const read = await client.query('SELECT * FROM part WHERE id = $1', [1])
  same('types', read.rows[0], { id: 1, name: 'ö', price: 1.5, made, doc: { a: [1, null] }, tags: ['x', 'y z'] })
  same('fields', read.fields.map((field) => [field.name, field.dataTypeID]),
    [['id', 23], ['name', 25], ['price', 701], ['made', 1184], ['doc', 3802], ['tags', 1009]])
  for (let n = 0; n < 5; n++) {
    const got = await client.query({ name: 'plus', text: 'SELECT $1::int + 1 AS n', values: [n] })
    if (got.rows[0].n !== n + 1) same('named statement', got.rows, n + 1)
  }
  console.log('ok named statement')
  const array = await client.query({ text: 'SELECT 1 AS a, NULL AS b', rowMode: 'array' })
  same('rows as arrays', array.rows, [[1, null]])
  const two = await client.query('SELECT 1 AS a; SELECT 2 AS b')
  same('two statements', two.map((result) => result.rows), [[{ a: 1 }], [{ b: 2 }]])
  const changed = await client.query('UPDATE part SET price = 2')
  same('row count', [changed.command, changed.rowCount], ['UPDATE', 1])

  await client.query('BEGIN')
  await client.query('DELETE FROM part')
  await fails('not null', () => client.query('INSERT INTO part (name) VALUES (NULL)'),
    { code: '23502', table: 'part', column: 'name', severity: 'ERROR' })
  await fails('failed transaction', () => client.query('SELECT 1'), { code: '25P02' })
  await client.query('ROLLBACK')
  same('taken back', (await client.query('SELECT count(*) FROM part')).rows, [{ count: '1' }])
  await fails('unique', () => client.query('INSERT INTO part (id, name) VALUES (1, $1)', ['x']),
    { code: '23505', constraint: 'part_pkey', detail: 'Key (id)=(1) already exists.' })
  await fails('place', () => client.query('SELECT nosuch'), { code: '42703', position: '8' })
  await fails('bad value', () => client.query('SELECT $1::int', ['x']), { code: '22P02' })
  await client.query('COMMIT')
  same('warning', notices, ['25P01'])
  await client.end()

  const pool = new Pool({ max: 5 })
  const got = await Promise.all([...Array(40).keys()].map((n) => pool.query('SELECT $1::int AS n', [n])))
  same('pool', got.map((result) => result.rows[0].n), [...Array(40).keys()])
  await pool.end()
  await fails('no such database', async () => {
    const other = new Client({ database: 'nosuch' })
    await other.connect()
  }, { code: '3D000' })
}

main().catch((error) => { console.log('FAILED', error); process.exit(1) })
