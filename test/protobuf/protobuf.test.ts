import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HiperceiverError } from '../../src/errors/index.js';
import { type ProtoField, ProtoWriter, readFields } from '../../src/protobuf/index.js';

function only(message: Uint8Array): ProtoField {
  const fields = [...readFields(message)];
  assert.equal(fields.length, 1);
  return fields[0];
}

test('the bytes are those of the encoding guide', () => {
  assert.deepEqual([...new ProtoWriter().uint(1, 150).finish()], [0x08, 0x96, 0x01]);
  assert.deepEqual(
    [...new ProtoWriter().string(2, 'testing').finish()],
    [0x12, 7, ...new TextEncoder().encode('testing')],
  );
  assert.deepEqual([...new ProtoWriter().message(3, (m) => m.uint(1, 150)).finish()], [0x1a, 3, 0x08, 0x96, 0x01]);
  assert.deepEqual(
    [...new ProtoWriter().packedInts(6, [3, 270, 86942]).finish()],
    [0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5],
  );
  assert.deepEqual([...new ProtoWriter().int64(1, -2).finish()], [0x08, 0xfe, ...Array(8).fill(0xff), 0x01]);
});

test('integers of every size come back', () => {
  const values = [
    0,
    1,
    127,
    128,
    16383,
    16384,
    2 ** 31,
    2 ** 32,
    2 ** 40 + 5,
    Number.MAX_SAFE_INTEGER,
    -1,
    -128,
    -(2 ** 40),
  ];
  for (const value of values) {
    assert.equal(only(new ProtoWriter().int64(1, value).finish()).int64(), value);
    assert.equal(only(new ProtoWriter().int64(1, BigInt(value)).finish()).int64(), value);
  }
  assert.deepEqual(only(new ProtoWriter().packedInts(9, values).finish()).ints(), values);
  const largest = 2n ** 63n - 1n;
  assert.equal(only(new ProtoWriter().int64(1, largest).finish()).bigint(), largest);
  assert.equal(only(new ProtoWriter().uint(1, 2n ** 64n - 1n).finish()).uint(), 2 ** 64);
});

test('floats, doubles, booleans and text come back', () => {
  assert.equal(only(new ProtoWriter().float(1, 0.1).finish()).float(), Math.fround(0.1));
  assert.equal(only(new ProtoWriter().double(1, 0.1).finish()).double(), 0.1);
  assert.equal(only(new ProtoWriter().bool(1, true).finish()).bool(), true);
  assert.equal(only(new ProtoWriter().string(536870911, 'größer 🙂').finish()).string(), 'größer 🙂');
  assert.deepEqual([...only(new ProtoWriter().packedFloats(2, [1, -2.5]).finish()).floats()], [1, -2.5]);
  const part = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  assert.deepEqual([...only(new ProtoWriter().packedFloats(2, part).finish()).floats()], [1, 2]);
});

test('large payloads deep inside nested messages keep their order and length', () => {
  const large = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  const message = new ProtoWriter()
    .uint(1, 7)
    .message(2, (outer) => {
      outer
        .string(1, 'before')
        .message(2, (inner) => inner.bytes(3, large).uint(4, 1))
        .bytes(5, large)
        .string(6, 'after');
    })
    .uint(3, 8)
    .finish();
  const [first, nested, last] = readFields(message);
  assert.equal(first.uint(), 7);
  assert.equal(last.uint(), 8);
  const [before, inner, second, after] = nested.message();
  assert.equal(before.string(), 'before');
  assert.equal(after.string(), 'after');
  assert.deepEqual([...second.bytes()], [...large]);
  assert.deepEqual([...[...inner.message()][0].bytes()], [...large]);
});

test('cut-off or foreign bytes are refused', () => {
  const whole = new ProtoWriter().string(1, 'some text').double(2, 1).uint(3, 300).finish();
  const isEnd = new Set([0, 11, 20, whole.length]);
  for (let length = 0; length < whole.length; length++) {
    if (!isEnd.has(length))
      assert.throws(() => [...readFields(whole.subarray(0, length))], HiperceiverError, `cut at ${length}`);
  }
  assert.throws(() => [...readFields(Uint8Array.of(0x0f))], HiperceiverError);
  assert.throws(() => [...readFields(new Uint8Array(20).fill(0xff))], HiperceiverError);
  assert.throws(() => [...readFields(Uint8Array.of(0, 0))], HiperceiverError);
  assert.throws(() => only(new ProtoWriter().uint(1, 1).finish()).string(), HiperceiverError);
});
