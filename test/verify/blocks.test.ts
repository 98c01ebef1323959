import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/checkpoint/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { verifyCase, verifyCases } from '../../src/verify/index.js';

const golden = join(import.meta.dirname, '..', '..', '..', 'test', 'golden', 'blocks');
let engine: Engine;
let folder: string;
before(async () => {
  engine = await createEngine({ device: 'reference' });
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

/** A changed copy of a golden case. */
async function changed(
  name: string,
  change: (json: any, io: Map<string, StoredTensor>) => void,
  as = `${name}-changed`,
): Promise<string> {
  const copy = join(folder, as);
  await mkdir(copy);
  const json = JSON.parse(await readFile(join(golden, name, 'case.json'), 'utf8'));
  const { tensors } = await readSafetensors(join(golden, name, 'io.safetensors'));
  change(json, tensors);
  await writeFile(join(copy, 'case.json'), JSON.stringify(json));
  await writeSafetensors(join(copy, 'io.safetensors'), tensors);
  return copy;
}

for (const device of ['cpu', 'reference'] as const) {
  test(`every block case passes on ${device}`, async () => {
    const names = (await readdir(golden)).filter((name) => existsSync(join(golden, name, 'case.json')));
    const verdicts = await verifyCases(
      names.map((name) => join(golden, name)),
      { device },
    );
    assert.deepEqual(
      verdicts.filter(({ ok }) => !ok).map(({ line }) => line),
      [],
    );
    assert.ok(verdicts.length >= 20);
    for (const { line, name } of verdicts)
      assert.match(line, new RegExp(`^ok +blocks/${name} +max error \\d.*e[+-]\\d+ at \\S+$`));
  });
}

test('nothing depends on what a case is called', async () => {
  const copy = join(folder, 'anything');
  await cp(join(golden, 'layernorm'), copy, { recursive: true });
  const json = JSON.parse(await readFile(join(golden, 'layernorm', 'case.json'), 'utf8'));
  await rm(join(copy, 'case.json'));
  await writeFile(join(copy, 'case.json'), JSON.stringify({ ...json, case: 'anything' }));
  assert.equal((await verifyCase(copy, { engine })).ok, true);
});

test('one wrong number, shape or NaN fails and is named', async () => {
  const wrong = await changed('softmax', (_, io) => {
    io.get('output.grad_softmax')!.data[17] = 0.5;
  });
  const verdict = await verifyCase(wrong, { engine });
  assert.equal(verdict.ok, false);
  assert.equal(verdict.where, 'output.grad_softmax');
  assert.match(
    verdict.line,
    /^FAIL +blocks\/softmax-changed +grad_softmax: element 17 is .*, not 0\.5 \(1 of 4 tensors differ\)$/,
  );

  const reshaped = await changed(
    'softmax',
    (_, io) => {
      io.get('output.grad_softmax')!.shape = [5, 3, 7];
    },
    'reshaped',
  );
  assert.match((await verifyCase(reshaped, { engine })).line, /the shape is \[3, 5, 7\], not \[5, 3, 7\]/);

  const notANumber = await changed(
    'softmax',
    (_, io) => {
      io.get('output.grad_softmax')!.data[0] = NaN;
    },
    'nan',
  );
  const { ok, largestError } = await verifyCase(notANumber, { engine });
  assert.deepEqual([ok, largestError], [false, Infinity]);
});

test('an expected tensor that nothing computes fails: never skipped in silence', async () => {
  const extra = await changed('ema', (_, io) => {
    io.set('output.surprise', { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
    io.set('grad.surprise', { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
  });
  assert.match((await verifyCase(extra, { engine })).line, /^FAIL .*not checked: .*surprise/);
  const missing = await changed('ema', (_, io) => io.delete('output.ema_step2'), 'missing');
  assert.match(
    (await verifyCase(missing, { engine })).line,
    /lists the output "ema_step2", but io\.safetensors holds no/,
  );
});

test('what cannot be run says why in one line', async () => {
  const line = async (path: string) => (await verifyCase(path, { engine })).line;
  assert.match(await line(join(folder, 'nowhere')), /^FAIL +nowhere +.* does not exist/);
  assert.match(await line(golden), /holds no case\.json/);
  assert.match(
    await line(
      await changed(
        'ema',
        (json) => {
          json.system = 'unheard_of';
        },
        'system',
      ),
    ),
    /the system "unheard_of" is not built yet/,
  );
  assert.match(
    await line(
      await changed(
        'ema',
        (json) => {
          delete json.rtol;
        },
        'tolerance',
      ),
    ),
    /holds no tolerance "rtol"/,
  );
  const broken = await changed('ema', () => {}, 'broken');
  await writeFile(join(broken, 'io.safetensors'), 'not a safetensors file');
  assert.match(await line(broken), /^FAIL +broken +.*io\.safetensors/);
  await writeFile(join(broken, 'case.json'), '{');
  assert.match(await line(broken), /case\.json is not JSON/);
});
