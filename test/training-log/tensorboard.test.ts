import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { type ProtoField, readFields } from '../../src/protobuf/index.js';
import { crc32c } from '../../src/training/log/crc32c.js';
import { TensorBoardWriter } from '../../src/training/log/index.js';

const folder = mkdtempSync(join(tmpdir(), 'hip-tensorboard-'));
after(() => rmSync(folder, { recursive: true }));
const logs = join(folder, 'logs');
const png = await sharp({ create: { width: 5, height: 3, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

const writer = new TensorBoardWriter(logs);
for (let step = 0; step < 10; step++) writer.scalar('train/loss', 1 / (step + 1), step);
writer.image('reconstructions', png, 9);
writer.text('recipe', '# Größe\n| a | b |', 0);
writer.close();

/** CRC-32C bit by bit over GF(2), most significant bit first: nothing in common with the writer's table. */
function slowMaskedCrc(bytes: Uint8Array): number {
  let register = 0xffffffffn;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const incoming = BigInt((byte >> bit) & 1);
      const outgoing = (register >> 31n) & 1n;
      register = (register << 1n) & 0xffffffffn;
      if (incoming !== outgoing) register ^= 0x1edc6f41n;
    }
  }
  const reflected = BigInt(`0b${register.toString(2).padStart(32, '0').split('').reverse().join('')}`) ^ 0xffffffffn;
  return Number(((((reflected >> 15n) | (reflected << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn);
}

type Message = Map<number, ProtoField>;
const message = (fields: Iterable<ProtoField>): Message => new Map([...fields].map((field) => [field.number, field]));
const nested = (parent: Message, ...path: number[]): Message =>
  path.reduce((current, number) => message((current.get(number) as ProtoField).message()), parent);

/** The events of a file whose framing and check sums are all right. */
function readEvents(path: string): Message[] {
  const file = readFileSync(path);
  const events: Message[] = [];
  for (let offset = 0; offset < file.length; ) {
    const length = Number(file.readBigUInt64LE(offset));
    assert.equal(file.readUInt32LE(offset + 8), slowMaskedCrc(file.subarray(offset, offset + 8)));
    const data = file.subarray(offset + 12, offset + 12 + length);
    assert.equal(file.readUInt32LE(offset + 12 + length), slowMaskedCrc(data));
    events.push(message(readFields(data)));
    offset += 16 + length;
  }
  return events;
}

test('the check sum is that of RFC 3720', () => {
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

test('the file bears the name that TensorBoard looks for', () => {
  assert.match(basename(writer.path), /^events\.out\.tfevents\.\d{10}\./);
  assert(writer.path.endsWith(hostname()));
  assert.deepEqual(readdirSync(logs), [basename(writer.path)]);
});

test('events are framed records of the published messages', () => {
  const [version, ...events] = readEvents(writer.path);
  assert.equal(version.get(3)?.string(), 'brain.Event:2');
  assert(Math.abs((version.get(1)?.double() ?? 0) - Date.now() / 1000) < 60);
  assert.equal(events.length, 12);
  for (const [step, event] of events.slice(0, 10).entries()) {
    assert.equal(event.get(2)?.int64(), step);
    const value = nested(event, 5, 1);
    assert.equal(value.get(1)?.string(), 'train/loss');
    assert.equal(value.get(2)?.float(), Math.fround(1 / (step + 1)));
  }
  const image = nested(events[10], 5, 1, 4);
  assert.deepEqual(
    [1, 2, 3].map((field) => image.get(field)?.uint()),
    [3, 5, 3],
  );
  assert.deepEqual(Buffer.from(image.get(4)?.bytes() ?? []), png);
  const text = nested(events[11], 5, 1);
  assert.equal(nested(text, 8).get(8)?.string(), '# Größe\n| a | b |');
  assert.equal(nested(text, 9, 1).get(1)?.string(), 'text');
});

test('a second writer in the same second takes another name; on resume it purges later steps', () => {
  const twice = join(folder, 'twice');
  const first = new TensorBoardWriter(twice);
  const second = new TensorBoardWriter(twice, { purgeStep: 4 });
  first.close();
  second.close();
  assert.notEqual(first.path, second.path);
  const [, start] = readEvents(second.path);
  assert.equal(start.get(2)?.int64(), 4);
  assert.equal(nested(start, 7).get(1)?.uint(), 1);
});

test('what is no PNG is refused by its tag', () => {
  const bad = new TensorBoardWriter(join(folder, 'bad'));
  assert.throws(() => bad.image('picture', new Uint8Array(100), 0), /"picture".*no PNG/);
  bad.close();
});

test("TensorBoard's own reader reads the same, where it is installed", (t) => {
  const python = process.env.HIP_TENSORBOARD_PYTHON ?? 'python3';
  if (spawnSync(python, ['-c', 'import tensorboard']).status !== 0) return t.diagnostic('no tensorboard package here');
  const program = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'tensors': 0, 'scalars': 0, 'images': 0}).Reload()
image = events.Images('reconstructions')[0]
text = events.Tensors('recipe')[0]
metadata = events.SummaryMetadata('recipe')
print(json.dumps({
  'scalars': [[e.step, e.value] for e in events.Scalars('train/loss')],
  'image': [image.step, image.width, image.height, image.encoded_image_string.hex()],
  'text': [text.step, text.tensor_proto.string_val[0].decode(), metadata.plugin_data.plugin_name],
}))`;
  const { stdout, stderr } = spawnSync(python, ['-c', program, logs], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout || stderr), {
    scalars: Array.from({ length: 10 }, (_, step) => [step, Math.fround(1 / (step + 1))]),
    image: [9, 5, 3, png.toString('hex')],
    text: [0, '# Größe\n| a | b |', 'text'],
  });
});
