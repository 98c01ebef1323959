import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type LazyTensor, readPickledWeights, storedBytes } from '../../src/checkpoint/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { bits, fold, keyFrom } from '../../src/random/index.js';
import { archive, dictionary, integer, made, pickle, refused, tensor, unicode, worked, written } from './madeFiles.js';

/** Asserts that an archive with this pickle is refused. */
async function refusedPickle(content: Uint8Array, sentence: RegExp, storages: Record<string, Uint8Array> = {}) {
  await refused(readPickledWeights(written('hostile.pth', archive(content, storages))), sentence);
}

test('calls of anything but what weights are made of are refused by name', async () => {
  const command = unicode('touch /tmp/owned');
  const calls: Record<string, Uint8Array> = {
    'posix.system': pickle('cposix\nsystem\n(', command, 'tR'),
    'os.system': pickle(unicode('os'), unicode('system'), 0x93, '(', command, 'tR'),
    'builtins.eval': pickle('cbuiltins\neval\n(', command, 't', 0x81),
    'builtins.exec': pickle('(', command, 'ibuiltins\nexec\n'),
    'subprocess.Popen': pickle('(csubprocess\nPopen\n', command, 'o'),
    'builtins.getattr': pickle('cbuiltins\ngetattr\n(', unicode('a'), command, 't}', 0x92),
    'webbrowser.open': pickle('ccopyreg\n_reconstructor\n(cwebbrowser\nopen\ncbuiltins\nobject\nNtR'),
    'torch.hub.load': pickle('ctorch.hub\nload\n}b'),
    'torch.storage._load_from_bytes': pickle('ctorch.storage\n_load_from_bytes\n(', command, 'tR'),
    __proto__: pickle('c\n__proto__\n)R'),
  };
  for (const [name, call] of Object.entries(calls)) {
    const sentence = new RegExp(`hostile\\.pth calls .*${name.replaceAll('.', '\\.')}, which weights do not need`);
    await refusedPickle(dictionary({ w: call }), sentence);
    // The old format runs the same way.
    const legacy = pickle(
      readFileSync(made('run-legacy')[0]).subarray(0, 137),
      dictionary({ w: call }),
      pickle(0x80, 2, '].'),
    );
    await refused(readPickledWeights(written('legacy.pth', legacy)), /legacy\.pth calls /);
  }
  await refusedPickle(
    dictionary({
      w: pickle('ctorch._tensor\n_rebuild_from_type_v2\n(cposix\nsystem\nctorch\nTensor\n(', command, 't}tR'),
    }),
    /makes no sense/,
  );
  await refusedPickle(dictionary({ w: pickle(0x82, 1) }), /extension code/);
  const noisy = `\x1b[31m${'x'.repeat(1000)}`;
  await refusedPickle(
    dictionary({ w: pickle(unicode('a'), unicode(noisy), 0x93, ')R') }),
    /calls a\.\\u001b\[31mx{80,100}…, which/,
  );
});

test('pickles made to exhaust memory or time are refused soon', async () => {
  const many = 1_200_000;
  await refusedPickle(pickle(0x80, 2, ']'.repeat(many), '.'), /piles up more than|makes more than/);
  await refusedPickle(pickle(0x80, 2, '('.repeat(many), '.'), /nested more than/);
  await refusedPickle(pickle(0x80, 2, ']0'.repeat(many), '.'), /makes more than 524288 objects/);
  await refusedPickle(pickle(0x80, 4, 'N', '\x94'.repeat(many), '.'), /remembers more than/);
  await refusedPickle(pickle(0x80, 2, 'Nr', 255, 255, 255, 255, '.'), /no tensors under names/);
  // One long list, made into a set again and again.
  const list = pickle(']q', 0, '(', 'K\x01'.repeat(500_000), 'e0');
  const copies = 'c__builtin__\nset\n(h\0tR0'.repeat(2000);
  await refusedPickle(pickle(0x80, 2, list, copies, '}.'), /copies more than/);
  // Dictionaries that hold the one before twice, and one that holds itself.
  const doubling = Array.from({ length: 200 }, (_, i) =>
    pickle('}q', i + 1, '(', unicode('a'), 'h', i, unicode('b'), 'h', i, 'u'),
  );
  await refusedPickle(pickle(0x80, 2, '}q', 0, ...doubling, '.'), /no tensors under names/);
  await refusedPickle(pickle(0x80, 2, '}q', 0, '(', unicode('a'), 'h', 0, 'u.'), /no tensors under names/);
  await refusedPickle(pickle(0x80, 2, 'L', '9'.repeat(2000), 'L\n.'), /integer/);
  await refusedPickle(pickle(0x80, 2, 0x8b, 255, 255, 255, 127, '.'), /claims an integer of/);
  await refusedPickle(pickle(0x80, 4, 0x8e, 255, 255, 255, 255, 255, 255, 255, 255, '.'), /cut off or damaged/);
  // Nested rebuilding, which would recurse.
  const nest = 'ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n'.repeat(
    1000,
  );
  await refusedPickle(pickle(0x80, 2, nest, '.'), /nothing|no tensors|makes no sense|damaged|single/);
});

test('sizes that lie are refused before memory is touched', async () => {
  const four = { 0: Buffer.alloc(16) };
  const w = (made: Parameters<typeof tensor>[0]) => dictionary({ w: tensor(made) });
  await refusedPickle(w({ elements: 4, shape: [5], stride: [1] }), /beyond its storage "0" of 16 bytes/, four);
  await refusedPickle(w({ elements: 4, offset: 2, shape: [3], stride: [1] }), /beyond its storage/, four);
  await refusedPickle(
    w({ elements: 2 ** 30, shape: [2 ** 30], stride: [1] }),
    /has 16 bytes where 4294967296 are needed/,
    four,
  );
  await refusedPickle(w({ elements: 4, shape: [2 ** 30, 2 ** 30], stride: [0, 0] }), /impossible shape/, four);
  await refusedPickle(w({ elements: 4, shape: [2 ** 30, 16], stride: [0, 0] }), /its tensors claim 68719476736/, four);
  await refusedPickle(w({ elements: 4, shape: [2, 2], stride: [-1, 1] }), /impossible shape/, four);
  await refusedPickle(w({ elements: 4, shape: [-2], stride: [1] }), /impossible shape/, four);
  await refusedPickle(w({ elements: 4, shape: [2, 2], stride: [1] }), /impossible shape/, four);
  await refusedPickle(
    w({ elements: 4, key: '../../etc/passwd', shape: [4], stride: [1] }),
    /storage .* is missing/,
    four,
  );
  await refusedPickle(
    w({ elements: 4, kind: 'EvilStorage', shape: [4], stride: [1] }),
    /unknown class torch\.EvilStorage/,
    four,
  );
  await refusedPickle(dictionary({ w: pickle(integer(3), 'Q') }), /other than a storage/);
  const zeros = new Uint8Array(2 ** 22);
  const bomb = Buffer.from(archive(w({ elements: 2 ** 20, shape: [2 ** 20], stride: [1] }), { 0: zeros }, {}, 9));
  // Said to be a thousand times what it inflates to, in the directory.
  for (let at = 0; at < bomb.length - 4; at++) if (bomb.readUInt32LE(at) === 2 ** 22) bomb.writeUInt32LE(2 ** 31, at);
  await refused(readPickledWeights(written('bomb.pth', bomb)), /cannot have 2147483648 bytes/);
});

/** Reads all that a file gives, and how many bytes that is. */
async function readAll(tensors: ReadonlyMap<string, LazyTensor>): Promise<number> {
  let bytes = 0;
  for (const tensor of tensors.values()) {
    bytes += storedBytes(tensor);
    await tensor.load();
  }
  return bytes;
}

test('files cut off at any byte, or with any bits flipped, are refused or read', async (t) => {
  let [refusals, readings] = [0, 0];
  const attempt = async (bytes: Uint8Array, what: string) => {
    const begin = process.cpuUsage();
    try {
      const size = await readAll(await readPickledWeights(written('mutated.pth', bytes)));
      assert.ok(size < 2 ** 20, `${what}: ${size} bytes`);
      readings++;
    } catch (error) {
      assert.ok(error instanceof HiperceiverError, `${what}: ${error instanceof Error ? error.stack : error}`);
      assert.equal(error.message.split('\n').length, 1, what);
      refusals++;
    }
    assert.ok(worked(begin) < 2000, `${what}: ${worked(begin)} ms`);
  };
  for (const [number, file] of [...made('views'), ...made('run'), ...made('types')].entries()) {
    const whole = readFileSync(file);
    const key = fold(keyFrom(5), number);
    const draws = bits(key, 4 * 60);
    for (let round = 0; round < 60; round++) {
      const [a, b, c, d] = draws.subarray(4 * round, 4 * round + 4);
      const what = `${file}, round ${round}`;
      if (round % 3 === 0) {
        await attempt(whole.subarray(0, a % whole.length), `${what}, cut`);
        continue;
      }
      const changed = Buffer.from(whole);
      // Half of the changes go where the pickle is.
      changed[a % (round % 2 ? whole.length : Math.min(700, whole.length))] ^= 1 << (b % 8);
      if (round % 5 === 0) changed[c % whole.length] = d & 255;
      await attempt(changed, what);
    }
  }
  t.diagnostic(`${refusals} refused, ${readings} read`);
  assert.ok(refusals > 300 && readings > 50);
});
