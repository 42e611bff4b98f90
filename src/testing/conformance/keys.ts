import assert from 'node:assert/strict'
import { assertBytes, fetch, settles, store, storeAll, TTL, type Draft } from './trial.ts'

/** Cases about keys: many in one call, strange ones, and removal. */
export const keyCases: readonly Draft[] = [
  {
    name: 'no keys give no outcomes',
    async run({ adapter }) {
      assert.deepEqual(await settles(adapter.read([]), 'read()'), [])
      assert.deepEqual(await settles(adapter.write([]), 'write()'), [])
      assert.deepEqual(await settles(adapter.remove([]), 'remove()'), [])
    },
  },
  {
    name: 'one read answers hits, misses and duplicates in the order asked',
    async run({ adapter, key, value }) {
      const [a, b] = [value(), value()]
      await storeAll(adapter, [
        { key: key('a'), value: a, ttl: TTL },
        { key: key('b'), value: b, ttl: TTL },
      ])
      const asked = ['x', 'b', 'a', 'y', 'b', 'b', 'x', 'a']
      const outcomes = await settles(adapter.read(asked.map(key)), 'read()')
      assert.equal(outcomes.length, asked.length, 'one outcome per key, duplicates included')
      for (const [index, name] of asked.entries()) {
        if (name === 'a') assertBytes(outcomes[index], a, `outcome ${index}`)
        else if (name === 'b') assertBytes(outcomes[index], b, `outcome ${index}`)
        else assert.equal(outcomes[index], undefined, `outcome ${index} is a miss`)
      }
    },
  },
  {
    name: '500 keys in one call',
    async run({ adapter, key }) {
      const items = Array.from({ length: 500 }, (_, index) => ({
        key: key(`${index}`),
        value: Buffer.from(`value of ${index}`),
        ttl: TTL,
      }))
      await storeAll(adapter, items)
      const outcomes = await settles(adapter.read(items.map((item) => item.key)), 'read()')
      assert.equal(outcomes.length, 500)
      for (const [index, item] of items.entries()) assertBytes(outcomes[index], item.value, `key ${index}`)
      const removed = await settles(adapter.remove(items.map((item) => item.key)), 'remove()')
      assert.deepEqual(
        removed,
        items.map(() => 'deleted'),
      )
    },
  },
  {
    name: 'a key written twice in one call has one outcome per item and one of the two values',
    async run({ adapter, key }) {
      const texts = ['one', 'two']
      await storeAll(
        adapter,
        texts.map((text) => ({ key: key('twice'), value: Buffer.from(text), ttl: TTL })),
      )
      const outcome = await fetch(adapter, key('twice'))
      assert.ok(outcome instanceof Uint8Array && texts.includes(Buffer.from(outcome).toString()))
    },
  },
  {
    name: 'a removed key is deleted, then absent, and reads as undefined',
    async run({ adapter, key, value }) {
      await store(adapter, key('gone'), value())
      assert.deepEqual(await settles(adapter.remove([key('gone')]), 'remove()'), ['deleted'])
      assert.deepEqual(await settles(adapter.remove([key('gone')]), 'remove()'), ['absent'])
      assert.equal(await fetch(adapter, key('gone')), undefined)
    },
  },
  {
    name: 'one removal answers present, absent and duplicate keys in the order asked',
    async run({ adapter, key, value }) {
      const kept = value()
      await storeAll(adapter, [
        { key: key('a'), value: value(), ttl: TTL },
        { key: key('b'), value: value(), ttl: TTL },
        { key: key('kept'), value: kept, ttl: TTL },
      ])
      const outcomes = await settles(adapter.remove(['x', 'a', 'b', 'a'].map(key)), 'remove()')
      assert.equal(outcomes.length, 4, 'one outcome per key, duplicates included')
      assert.equal(outcomes[0], 'absent')
      assert.equal(outcomes[2], 'deleted')
      const twice = [outcomes[1], outcomes[3]]
      assert.ok(twice.includes('deleted') && twice.includes('absent'), 'a duplicate is deleted once')
      assert.deepEqual(await settles(adapter.read(['a', 'b'].map(key)), 'read()'), [undefined, undefined])
      assertBytes(await fetch(adapter, key('kept')), kept, 'the key that was not removed')
    },
  },
  {
    name: 'the longest key',
    async run({ adapter, key, value }) {
      assert.ok(adapter.limits.maxKeyBytes >= 250, 'limits.maxKeyBytes must be at least 250')
      const ascii = [value(), value()]
      const utf8 = value()
      const start = key('')
      const keys = [
        start.padEnd(250, 'x'),
        start.padEnd(249, 'x') + 'y',
        start + 'é'.repeat(Math.floor((250 - start.length) / 2)) + 'x'.repeat((250 - start.length) % 2),
      ] as const
      for (const each of keys) assert.equal(Buffer.byteLength(each), 250)
      await storeAll(adapter, [
        { key: keys[0], value: ascii[0] as Buffer, ttl: TTL },
        { key: keys[1], value: ascii[1] as Buffer, ttl: TTL },
        { key: keys[2], value: utf8, ttl: TTL },
      ])
      const outcomes = await settles(adapter.read(keys), 'read()')
      assertBytes(outcomes[0], ascii[0] as Buffer, '250 bytes of ASCII')
      assertBytes(outcomes[1], ascii[1] as Buffer, '250 bytes that differ in the last')
      assertBytes(outcomes[2], utf8, '250 bytes of UTF-8')
    },
  },
  {
    name: 'keys of all kinds of characters are kept apart',
    async run({ adapter, key, value }) {
      const names = ['Key', 'key', 'KEY', 'ключ', '鍵', '🔑', 'ß', 'ss', 'é', 'e\u0301', '{tag}1', '{tag}2']
      names.push('"', "'", '\\', '$1', '%s', '*', '?', '[a]', ':', '/', '<b>', '`', ';', '--', '0', '00', '-1', 'null')
      const items = names.map((name) => ({ key: key(name), value: value(), ttl: TTL }))
      await storeAll(adapter, items)
      const outcomes = await settles(adapter.read(items.map((item) => item.key)), 'read()')
      for (const [index, item] of items.entries()) assertBytes(outcomes[index], item.value, `the key ${names[index]}`)
      const removed = await settles(adapter.remove(items.map((item) => item.key)), 'remove()')
      assert.deepEqual(
        removed,
        items.map(() => 'deleted'),
      )
    },
  },
  {
    name: 'keys that are names of object members are keys like others',
    async run({ adapter, key }) {
      const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length']
      const missing = await settles(adapter.read(names.map((name) => key('') + name)), 'read()')
      assert.deepEqual(
        missing,
        names.map(() => undefined),
      )
      // The bare names cannot be unique to this run: all runs write the same, and nobody removes it.
      const items = names.map((name) => ({ key: name, value: Buffer.from(`conformance ${name}`), ttl: TTL }))
      await storeAll(adapter, items)
      const outcomes = await settles(adapter.read(names), 'read()')
      for (const [index, item] of items.entries()) assertBytes(outcomes[index], item.value, `the key ${item.key}`)
    },
  },
  {
    name: '200 reads at once each get their own value',
    async run({ adapter, key }) {
      const items = Array.from({ length: 200 }, (_, index) => ({
        key: key(`${index}`),
        value: Buffer.from(`${index},`.repeat(1 + (index % 50) * 20)),
        ttl: TTL,
      }))
      await Promise.all(items.map((item) => store(adapter, item.key, item.value, item.ttl)))
      const outcomes = await Promise.all(items.map((item) => fetch(adapter, item.key)))
      for (const [index, item] of items.entries()) assertBytes(outcomes[index], item.value, `read ${index}`)
    },
  },
  {
    name: 'reads, writes and removals at once do not mix',
    async run({ adapter, key }) {
      const trio = async (index: number): Promise<void> => {
        const mine = key(`${index}`)
        const value = Buffer.from(`value ${index}`)
        await store(adapter, mine, value)
        assertBytes(await fetch(adapter, mine), value, mine)
        assert.deepEqual(await settles(adapter.remove([mine]), 'remove()'), ['deleted'])
        assert.equal(await fetch(adapter, mine), undefined)
      }
      await Promise.all(Array.from({ length: 60 }, (_, index) => trio(index)))
    },
  },
]
