import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { HiperceiverError } from '../../src/errors/index.js';
import { MetricsLog, readMetrics } from '../../src/training/log/index.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hip-metrics-'));
  path = join(folder, 'run/metrics.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function logSteps(count: number): Promise<void> {
  const log = await MetricsLog.open(path);
  for (let step = 1; step <= count; step++) log.append({ step, loss: 1 / step });
  log.close();
}

test('records come back with step, wall time and values', async () => {
  const log = await MetricsLog.open(path);
  const before = Date.now() / 1000;
  log.append({ step: 0, split: 'validation', accuracy: { top1: 0.25 } });
  log.append({ step: 1, loss: Number.NaN, gradientNorm: Number.POSITIVE_INFINITY, wallTime: 5 });
  assert.equal((await readMetrics(path)).length, 2, 'readable while the log is open');
  log.close();
  const [first, second] = await readMetrics(path);
  assert(first.wallTime >= before && first.wallTime <= Date.now() / 1000);
  assert.deepEqual(first.accuracy, { top1: 0.25 });
  assert.deepEqual(second, { step: 1, wallTime: 5, loss: Number.NaN, gradientNorm: Number.POSITIVE_INFINITY });
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) JSON.parse(line);
});

test('on resume the lines after the checkpoint are cut off', async () => {
  await logSteps(5);
  const log = await MetricsLog.open(path, { resumeStep: 3 });
  log.append({ step: 4, loss: 9 });
  log.close();
  assert.deepEqual(
    (await readMetrics(path)).map(({ step, loss }) => [step, loss]),
    [
      [1, 1],
      [2, 1 / 2],
      [3, 1 / 3],
      [4, 9],
    ],
  );
});

test('a torn last line is left out by readers and cut off by writers', async () => {
  await logSteps(2);
  appendFileSync(path, '{"step":3,"wallTi');
  assert.equal((await readMetrics(path)).length, 2);
  const log = await MetricsLog.open(path);
  log.append({ step: 3 });
  log.close();
  assert.deepEqual(
    (await readMetrics(path)).map(({ step }) => step),
    [1, 2, 3],
  );
});

test('a last line that lacks nothing but its line feed is kept', async () => {
  await logSteps(1);
  appendFileSync(path, '{"step":2,"wallTime":1}');
  const log = await MetricsLog.open(path);
  log.append({ step: 3 });
  log.close();
  assert.deepEqual(
    (await readMetrics(path)).map(({ step }) => step),
    [1, 2, 3],
  );
});

test('what is no metrics file is refused by name and line', async () => {
  await assert.rejects(readMetrics(path), /metrics\.jsonl does not exist/);
  await logSteps(1);
  appendFileSync(path, 'rubbish\n{"step":2}\n');
  await assert.rejects(
    readMetrics(path),
    (error: unknown) => error instanceof HiperceiverError && /Line 2 of .*metrics\.jsonl/.test(error.message),
  );
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(MetricsLog.open(join(folder, 'file/metrics.jsonl')), /file stands where a folder is needed/);
  const log = await MetricsLog.open(join(folder, 'other.jsonl'));
  assert.throws(() => log.append({ step: 1.5 }), /whole step/);
  log.close();
});

test('kill -9 in the middle of logging loses no line that was appended', async () => {
  const source = `
    import { MetricsLog } from ${JSON.stringify(new URL('../../src/training/log/index.js', import.meta.url).href)};
    import { writeSync } from 'node:fs';
    const log = await MetricsLog.open(${JSON.stringify(path)});
    for (let step = 1; ; step++) { log.append({ step, loss: Math.random() }); writeSync(1, step + '\\n'); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.length > 1000) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const confirmed = output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number);
  const steps = (await readMetrics(path)).map(({ step }) => step);
  assert(steps.length >= confirmed.length);
  assert.deepEqual(
    steps,
    steps.map((_, i) => i + 1),
  );
});
