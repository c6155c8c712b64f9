// ioredis: its own start (INFO), pipelines, MULTI, hashes, scanning, errors.
const Redis = require('ioredis')
const { isDeepStrictEqual } = require('util')

function same(what, got, wanted) {
  if (!isDeepStrictEqual(got, wanted)) {
    console.log(`FAILED ${what}:\n  got    ${JSON.stringify(got)}\n  wanted ${JSON.stringify(wanted)}`)
    process.exit(1)
  }
  console.log(`ok ${what}`)
}

async function fails(what, work, text) {
  const told = await work().then(() => 'no error', (error) => error.message)
  same(what, told.includes(text) ? text : told, text)
}

async function main() {
  const redis = new Redis({ port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: 1 })
  same('ping', await redis.ping(), 'PONG')
  await redis.flushall()
  same('set', await redis.set('k', 'ö'), 'OK')
  same('get', await redis.get('k'), 'ö')
  same('buffer', await redis.getBuffer('k'), Buffer.from('ö'))
  same('hash', [await redis.hset('h', { a: 1, b: 'x' }), await redis.hgetall('h')], [2, { a: '1', b: 'x' }])
  const many = redis.pipeline()
  for (let n = 0; n < 300; n++) many.set(`p:${n}`, n)
  const answers = await many.exec()
  same('pipeline', [answers.length, answers.every(([error, answer]) => !error && answer === 'OK')], [300, true])
  same('multi', await redis.multi().incr('n').incrby('n', 5).exec(), [[null, 1], [null, 6]])
  let seen = 0
  for await (const keys of redis.scanStream({ match: 'p:*', count: 40 })) seen += keys.length
  same('scan', seen, 300)
  same('expiry', [await redis.expire('k', 50), await redis.ttl('k'), await redis.persist('k'), await redis.ttl('k')], [1, 50, 1, -1])
  await fails('wrong type', () => redis.incr('h'), 'WRONGTYPE')
  await fails('unknown command', () => redis.call('NOSUCH'), "unknown command 'NOSUCH'")
  const together = await Promise.all([...Array(200).keys()].map((n) => redis.incr(`c:${n % 10}`)))
  same('many at once', Math.max(...together), 20)
  await redis.quit()
}

main().catch((error) => { console.log('FAILED', error); process.exit(1) })
