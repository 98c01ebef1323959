import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  readSafetensors,
  readSafetensorsHeader,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from '../../src/checkpoint/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { keyFrom, uniform } from '../../src/random/index.js';

const folder = mkdtempSync(join(tmpdir(), 'hip-safetensors-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file.safetensors');

/** A file by hand: the header as given, then the body. */
function raw(header: unknown, bodyBytes = 0, claimedLength?: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimedLength ?? json.length));
  return Buffer.concat([length, json, Buffer.alloc(bodyBytes)]);
}

function f32(begin: number, end: number, shape = [(end - begin) / 4]) {
  return { dtype: 'F32', shape, data_offsets: [begin, end] };
}

const everyType: [string, StoredTensor][] = [
  ['bool', { dtype: 'BOOL', shape: [3], data: Uint8Array.of(0, 1, 1) }],
  ['u8', { dtype: 'U8', shape: [1], data: Uint8Array.of(255) }],
  ['i8', { dtype: 'I8', shape: [2], data: Int8Array.of(-128, 127) }],
  ['i16', { dtype: 'I16', shape: [1], data: Int16Array.of(-32768) }],
  ['i32', { dtype: 'I32', shape: [1, 2], data: Int32Array.of(-(2 ** 31), 5) }],
  ['i64', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 7n) }],
  ['bf16', { dtype: 'BF16', shape: [3], data: Uint16Array.of(0x3f80, 0xc000, 0x7f80) }],
  ['f16', { dtype: 'F16', shape: [6], data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x8000) }],
  ['f32', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -0, 1e-45, Number.NEGATIVE_INFINITY) }],
  ['f64', { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) }],
  ['scalar', { dtype: 'F32', shape: [], data: Float32Array.of(3) }],
  ['nothing', { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) }],
  ['größe "quoted" \\ \n', { dtype: 'U8', shape: [0], data: new Uint8Array(0) }],
];

test('every type comes back bit by bit, with shapes, names and metadata', async () => {
  await writeSafetensors(path, everyType, { format: 'pt', note: 'äöü' });
  const { tensors, metadata } = await readSafetensors(path);
  assert.deepEqual({ ...metadata }, { format: 'pt', note: 'äöü' });
  assert.equal(tensors.size, everyType.length);
  for (const [name, tensor] of everyType) assert.deepEqual(tensors.get(name), tensor, name);
});

test('a NaN keeps its payload bits', async () => {
  const bits = Uint32Array.of(0x7fc12345, 0xffabcdef, 0x7f800001);
  await writeSafetensors(path, [['nan', { dtype: 'F32', shape: [3], data: new Float32Array(bits.buffer) }]]);
  const { data } = (await readSafetensors(path)).tensors.get('nan') as StoredTensor;
  assert.deepEqual(new Uint32Array(data.buffer), bits);
});

test('the file is laid out as the format asks: the body and each tensor aligned, nothing between', async () => {
  await writeSafetensors(path, everyType);
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  assert.equal((8 + length) % 8, 0);
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  for (const [name, { data }] of everyType)
    assert.equal(header[name].data_offsets[0] % data.BYTES_PER_ELEMENT, 0, name);
  const { tensors } = await readSafetensorsHeader(path);
  assert.equal([...tensors.values()].at(-1)?.end, file.length - 8 - length);
});

test('some tensors can be read alone, and an unknown name is answered with the nearest', async () => {
  await writeSafetensors(path, new Map(everyType));
  const { tensors } = await readSafetensors(path, { names: ['f64', 'u8'] });
  assert.deepEqual([...tensors.keys()].sort(), ['f64', 'u8']);
  await assert.rejects(readSafetensors(path, { names: ['scalr'] }), /did you mean "scalar"/);
});

test('any type becomes float32', () => {
  const values = (name: string) => [...toFloat32(everyType.find(([n]) => n === name)?.[1] as StoredTensor)];
  assert.deepEqual(values('f16'), [1, -2, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, -0]);
  assert.deepEqual(values('bf16'), [1, -2, Number.POSITIVE_INFINITY]);
  assert.deepEqual(values('i64'), [-(2 ** 63), 7]);
  assert.deepEqual(values('f64'), [Math.fround(Math.PI)]);
  assert.deepEqual(values('i8'), [-128, 127]);
});

test('data that does not fit its type or shape is not written', async () => {
  rmSync(path, { force: true });
  const refuse = (tensor: StoredTensor, message: RegExp) =>
    assert.rejects(writeSafetensors(path, [['w', tensor]]), message);
  await refuse({ dtype: 'F32', shape: [3], data: new Float32Array(2) }, /"w".*\[3\]/);
  await refuse({ dtype: 'F32', shape: [-1, -2], data: new Float32Array(2) }, /"w"/);
  await refuse({ dtype: 'F32', shape: [2], data: new Float64Array(2) }, /"w".*Float64Array/);
  const one: StoredTensor = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  await assert.rejects(
    writeSafetensors(path, [
      ['w', one],
      ['w', one],
    ]),
    /two tensors named "w"/,
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('each kind of damage is refused with a sentence that names file and tensor', async () => {
  const cases: [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /is empty \(0 bytes\)/],
    ['short', Buffer.from([1, 2, 3]), /no safetensors file.*3 bytes/],
    ['header length of zero', raw('', 0), /header of 0 bytes/],
    ['header length past the end', raw('{}', 0, 50), /cut off.*50/],
    ['absurd header length', raw('{}', 0, 2 ** 52), /claim a header of/],
    ['no JSON', raw('{"a":', 0), /not JSON/],
    ['no UTF-8', Buffer.concat([raw('', 0, 3), Buffer.from([0x22, 0xff, 0x22])]), /not JSON/],
    ['no object', raw('[1]', 0), /not a JSON object/],
    ['zip', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)]), /zip archive such as PyTorch/],
    ['pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), /git lfs pull/],
    ['body cut', raw({ a: f32(0, 8), b: f32(8, 16) }, 12), /"b" ends at byte 16 of 12/],
    ['overlap', raw({ a: f32(0, 8), b: f32(4, 12) }, 12), /"b" overlaps tensor "a"/],
    ['hole', raw({ a: f32(0, 8), b: f32(12, 16) }, 16), /4 bytes before tensor "b"/],
    ['tail', raw({ a: f32(0, 8) }, 12), /last 4 bytes, after tensor "a"/],
    ['hole at the start', raw({ a: f32(4, 8) }, 8), /4 bytes before tensor "a"/],
    ['shape too large', raw({ a: f32(0, 8, [3]) }, 8), /"a".*needs 12 bytes but has 8/],
    ['negative shape', raw({ a: f32(0, 8, [-1, -2]) }, 8), /"a".*impossible shape/],
    ['huge shape', raw({ a: f32(0, 8, [2 ** 52, 2 ** 52]) }, 8), /"a"/],
    ['shape of zero times infinity', raw({ a: f32(0, 0, [...Array(25).fill(2 ** 52), 0]) }, 0), /"a"/],
    [
      'negative offset',
      raw({ a: { dtype: 'F32', shape: [2], data_offsets: [-8, 0] } }, 8),
      /"a".*impossible byte range/,
    ],
    ['fraction', raw({ a: { dtype: 'F32', shape: [2], data_offsets: [0.5, 8.5] } }, 12), /"a".*impossible byte range/],
    ['reversed', raw({ a: { dtype: 'F32', shape: [2], data_offsets: [8, 0] } }, 8), /"a".*impossible byte range/],
    [
      'three offsets',
      raw({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8, 8] } }, 8),
      /"a".*impossible byte range/,
    ],
    ['no entry', raw({ a: null }, 0), /"a" has no description/],
    [
      'unknown type',
      raw({ a: { dtype: 'F7', shape: [1], data_offsets: [0, 1] } }, 1),
      /"a".*unknown element type "F7".*F32/,
    ],
    [
      'type from the prototype',
      raw({ a: { dtype: 'toString', shape: [], data_offsets: [0, 1] } }, 1),
      /unknown element type/,
    ],
    [
      'twice',
      raw(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}, "\\u0061" :{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        2,
      ),
      /"a" twice/,
    ],
    ['metadata', raw({ __metadata__: { a: 1 } }, 0), /__metadata__/],
  ];
  for (const [what, bytes, message] of cases) {
    writeFileSync(path, bytes);
    for (const read of [readSafetensors, readSafetensorsHeader]) {
      await assert.rejects(read(path), (error: unknown) => {
        assert(error instanceof HiperceiverError, `${what}: ${error}`);
        assert.match(error.message, message, what);
        assert(error.message.includes(path), `${what}: ${error.message}`);
        assert.equal(error.message.trim().split('\n').length, 1);
        return true;
      });
    }
  }
  await assert.rejects(readSafetensors(join(folder, 'missing')), /missing does not exist/);
  await assert.rejects(readSafetensors(folder), /is a folder where/);
});

test('keys that only look like duplicates are none', async () => {
  const header =
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":{"a":"b\\"","b":["b","a"]}},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}';
  writeFileSync(path, raw(header, 2));
  assert.deepEqual([...(await readSafetensors(path)).tensors.keys()], ['a', 'b']);
});

test('300 random mutations of a file never fail other than with a sentence', async () => {
  await writeSafetensors(path, everyType, { format: 'pt' });
  const original = readFileSync(path);
  const headerBytes = 8 + Number(original.readBigUInt64LE(0));
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const draws = uniform(keyFrom(round), 12);
    const pick = (i: number, below: number) => Math.floor(draws[i] * below);
    let bytes: Buffer = Buffer.from(original);
    for (let change = 0; change <= pick(0, 3); change++) {
      const at = pick(1 + change, change === 0 ? headerBytes : bytes.length);
      const kind = pick(4 + change, 5);
      if (kind === 0) bytes[at] ^= 1 << pick(7 + change, 8);
      else if (kind === 1) bytes = bytes.subarray(0, at);
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('9'), bytes.subarray(at)]);
      else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      else bytes[at] = '{}[]",:0-'.charCodeAt(pick(7 + change, 9));
      if (bytes.length === 0) break;
    }
    writeFileSync(path, bytes);
    try {
      await readSafetensors(path);
    } catch (error) {
      refused++;
      assert(error instanceof HiperceiverError, `round ${round}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  assert(refused > 200, `${refused} of 300 refused`);
});

test('files written by the reference implementation are read', async (t) => {
  const golden = join(import.meta.dirname, '../../../../shared/golden/hip');
  const files = existsSync(golden)
    ? readdirSync(golden, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.safetensors'))
    : [];
  for (const name of files) {
    const { tensors } = await readSafetensors(join(golden, name));
    assert(tensors.size > 0, name);
    for (const [key, tensor] of tensors) assert.equal(toFloat32(tensor).length, tensor.data.length, key);
    const copy = join(folder, 'copy.safetensors');
    await writeSafetensors(copy, tensors);
    assert.deepEqual((await readSafetensors(copy)).tensors, tensors);
  }
  t.diagnostic(`${files.length} reference files`);
});
