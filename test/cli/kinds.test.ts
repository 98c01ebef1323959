/** The command line on sounds, points and images alike: pre-train, look, predict single files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { keyFrom, normal } from '../../src/random/index.js';
import { type Ended, hip, path, shapesFolder, small } from './program.js';

const RATE = 800;

/** A tone with some noise. */
function toneFile(file: string, pitch: number, seed: number, seconds = 0.4): void {
  const noise = normal(keyFrom(seed), Math.round(seconds * RATE));
  const samples = noise.map((x, i) => 0.4 * Math.sin((2 * Math.PI * pitch * i) / RATE) + 0.02 * x);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, formatWav({ rate: RATE, channels: 1, samples }));
}

function succeeded({ code, out, err }: Ended): string {
  assert.equal(code, 0, err);
  return out;
}

const sounds = path('sounds');
const [pre, fine] = [path('sounds-pre'), path('sounds-fine')];
before(async () => {
  for (let i = 0; i < 8; i++) {
    toneFile(join(sounds, 'low', `${i}.wav`), 50 + i, i);
    toneFile(join(sounds, 'high', `${i}.wav`), 200 + i, 20 + i, 0.3);
  }
  const common = ['--data', sounds, ...small, '--mask-ratio', '0.5', '--steps', '3'];
  succeeded(await hip('pretrain', ...common, '--variant', 'tiny', '--out', pre));
  succeeded(await hip('finetune', '--from', pre, '--steps', '3', '--batch-size', '4', '--out', fine));
});

test('pre-training on sounds ends with its positions, a picture of sounds, and the sounds', () => {
  const written = readdirSync(pre);
  for (const name of ['positions.png', 'reconstructions.png', 'reconstructions-1-original.wav'])
    assert.ok(written.includes(name), `${name} is not among ${written}`);
});

test('predict names the classes of files, and goes on after those that cannot be read', async () => {
  const [low, high] = [join(sounds, 'low/0.wav'), join(sounds, 'high/0.wav')];
  writeFileSync(path('empty.wav'), '');
  writeFileSync(path('text.wav'), 'no sound at all');
  const { code, out } = await hip(
    'predict',
    fine,
    path('empty.wav'),
    low,
    path('none.wav'),
    path('text.wav'),
    high,
    '--json',
  );
  assert.equal(code, 1);
  const { files, unreadable, pictures } = JSON.parse(out);
  assert.deepEqual(
    files.map(({ file }: { file: string }) => file),
    [low, high],
  );
  for (const { predictions } of files) {
    assert.equal(predictions.length, 2);
    const total = predictions.reduce((sum: number, p: { probability: number }) => sum + p.probability, 0);
    assert.ok(Math.abs(total - 1) < 1e-5);
    assert.ok(predictions[0].probability >= predictions[1].probability);
  }
  assert.deepEqual(
    unreadable.map(({ file }: { file: string }) => file),
    [path('empty.wav'), path('none.wav'), path('text.wav')],
  );
  assert.match(unreadable[1].reason, /there is no such file/);
  assert.deepEqual(pictures, []);
});

test('predict prints a table of the likeliest classes and draws them where it is asked to', async () => {
  const out = succeeded(
    await hip('predict', fine, join(sounds, 'low/1.wav'), '--top', '1', '--out', path('predicted')),
  );
  assert.match(
    out,
    /^file +class +probability\n.*1\.wav +(low|high) +\d+\.\d % +█+\n\npictures +.*predictions\.png\n$/,
  );
  assert.ok(existsSync(path('predicted/predictions.png')));
});

test('predict reads the same file alike alone and among many', async () => {
  const many = readdirSync(join(sounds, 'low')).map((name) => join(sounds, 'low', name));
  const alone = JSON.parse(succeeded(await hip('predict', fine, many[0], '--json'))).files[0];
  const among = JSON.parse(succeeded(await hip('predict', fine, ...many, join(sounds, 'high/1.wav'), '--json')))
    .files[0];
  assert.equal(among.file, alone.file);
  assert.ok(Math.abs(among.predictions[0].probability - alone.predictions[0].probability) < 1e-5);
});

test('predict with a pre-trained model writes what it makes of each file, names kept apart', async () => {
  const files = [join(sounds, 'low/2.wav'), join(sounds, 'high/2.wav')];
  const { files: made } = JSON.parse(succeeded(await hip('predict', pre, ...files, '--out', path('made'), '--json')));
  const written = made.flatMap(({ pictures, files: own }: Record<string, string[]>) => [...pictures, ...own]);
  assert.equal(new Set(written).size, 8);
  for (const file of written) assert.ok(existsSync(file), file);
});

test('predict and reconstruct refuse what makes no sense, in a sentence', async () => {
  assert.match((await hip('predict', fine)).err, /needs FILE/);
  assert.match((await hip('predict', fine, 'a.wav', '--top', '0')).err, /--top must be a whole number/);
  assert.match((await hip('reconstruct', pre, '--mask-ratio', 'audoi=1')).err, /did you mean "audio"\?/);
  assert.match((await hip('reconstruct', pre, '--mask-ratio', '1.5')).err, /--mask-ratio must be a share/);
  assert.match((await hip('reconstruct', pre, path('gone.wav'))).err, /There is no file ".*gone\.wav"/);
  assert.match((await hip('reconstruct', pre, '--mask-ratio', '1')).err, /nothing is seen/);
});

test('attention on a sound is drawn along it', async () => {
  const out = succeeded(
    await hip('visualize', 'attention', fine, join(sounds, 'low/3.wav'), '--count', '2', '--out', path('heard.png')),
  );
  assert.match(out, /picture +.*heard\.png/);
});

test('visualize reconstructions draws what reconstruct draws', async () => {
  const one = JSON.parse(
    succeeded(await hip('visualize', 'reconstructions', pre, '--count', '1', '--out', path('v.png'), '--json')),
  );
  const other = JSON.parse(succeeded(await hip('reconstruct', pre, '--count', '1', '--out', path('r.png'), '--json')));
  assert.equal(one.loss, other.loss);
  assert.equal(one.examples, 1);
});

test('augmentations of any data are drawn by the options of a recipe', async () => {
  const shapes = await shapesFolder('augmented', 3);
  mkdirSync(path('clouds/a'), { recursive: true });
  for (let i = 0; i < 3; i++) {
    const points = normal(keyFrom(i), 90);
    const rows = Array.from({ length: 30 }, (_, p) => points.subarray(3 * p, 3 * p + 3).join(' '));
    writeFileSync(path('clouds/a', `${i}.xyz`), rows.join('\n'));
  }
  const drawn = async (data: string, ...options: string[]) => {
    const out = path('augmented.png');
    const said = succeeded(
      await hip('visualize', 'augmentations', data, '--count', '2', '--out', out, ...options, '--json'),
    );
    return JSON.parse(said).varies as boolean;
  };
  assert.equal(await drawn(shapes, '--data.crop', 'none', '--data.flip', 'false'), false);
  assert.equal(await drawn(shapes, '--data.crop', 'random', '--image-size', '8'), true);
  assert.equal(await drawn(sounds, '--audio.gain', '6'), true);
  assert.equal(await drawn(path('clouds'), '--points.rotate', 'z', '--points.count', '24'), true);
  const refused = await hip('visualize', 'positions', pre, '--points.rotate', 'z');
  assert.match(refused.err, /points\.rotate is a recipe's value, which positions does not take/);
});
