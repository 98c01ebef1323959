import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, formatProgress, Progress, type ProgressOptions } from '../../src/training/log/index.js';

/** A bar on a terminal or a file, with a clock that the test moves. */
function bar(options: Omit<ProgressOptions, 'stream' | 'now'>, isTTY: boolean, columns = 200) {
  const clock = { time: 100 };
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { progress: new Progress({ ...options, stream, now: () => clock.time }), clock, written };
}

test('the line holds the share, values, speed, wait and remaining time', () => {
  const line = formatProgress({
    step: 370,
    total: 1000,
    values: { loss: 0.03123 },
    rate: 142.3,
    unit: 'images',
    dataWaitShare: 0.0121,
    remainingSeconds: 83,
  });
  assert.equal(line, ' 37%|███▋      | 370/1000 · loss 0.0312 · 142 images/s · data wait 1.2% · ETA 1:23');
  assert.equal(formatProgress({ step: 0, total: 10, unit: 'steps' }), '  0%|          | 0/10');
  assert.equal(
    formatProgress({ step: 10, total: 10, unit: 'steps', tookSeconds: 3.2, label: 'probe' }),
    'probe 100%|██████████| 10/10 · took 0:03',
  );
  assert.match(formatProgress({ step: 999, total: 1000, unit: 'steps' }), /^ 99%/);
  assert.match(
    formatProgress({ step: 1, total: 2, unit: 'x', values: { a: Number.NaN, b: 12345.6, c: 2e-7, d: 0 } }),
    /a NaN · b 12345.6 · c 2.00e-7 · d 0$/,
  );
});

test('durations read as on a clock', () => {
  assert.deepEqual([0, 59.6, 83, 3600, 7325, 90061].map(formatDuration), [
    '0:00',
    '1:00',
    '1:23',
    '1:00:00',
    '2:02:05',
    '1d 01:01:01',
  ]);
});

test('on a terminal one line is redrawn, at most ten times a second', () => {
  const { progress, clock, written } = bar({ total: 1000, unit: 'images' }, true);
  for (let step = 1; step <= 1000; step++) {
    clock.time += 0.01;
    progress.update(step, { inputs: step * 8, dataWait: step * 0.001, values: { loss: 1 } });
  }
  progress.finish();
  assert(written.length > 80 && written.length <= 103, `${written.length} writes in ten seconds`);
  for (const text of written.slice(0, -1)) assert(text.startsWith('\r\x1b[K') && !text.includes('\n'));
  assert.match(written[50], /· loss 1.00 · 800 images\/s · data wait 10.0% · ETA 0:0\d$/);
  assert.match(written.at(-2) ?? '', /100%.*1000\/1000.*took 0:10$/);
  assert.equal(written.at(-1), '\n');
});

test('a line never wraps on a narrow terminal', () => {
  const { progress, clock, written } = bar({ total: 10, unit: 'images' }, true, 30);
  clock.time += 1;
  progress.update(3, { inputs: 3, values: { loss: 0.5, accuracy: 0.5 } });
  for (const text of written) assert([...text.replace('\r\x1b[K', '')].length < 30);
});

test('without a terminal there is a plain line about every ten seconds and at each tenth of a short run', () => {
  const long = bar({ total: 100_000 }, false);
  for (let step = 1; step <= 480; step++) {
    long.clock.time += 0.125;
    long.progress.update(step);
  }
  assert.equal(long.written.length, 6);
  for (const text of long.written) assert.match(text, /^ {2}0%\|[^\r]*steps\/s · ETA [\d:d ]+\n$/);

  const short = bar({ total: 100 }, false);
  for (let step = 1; step <= 100; step++) {
    short.clock.time += 0.25;
    short.progress.update(step);
  }
  short.progress.finish();
  assert.equal(short.written.length, 10);
  assert.match(short.written[9], /^100%.*took 0:25\n$/);
});

test('a resumed run counts its own speed from where it began', () => {
  const { progress, clock, written } = bar({ total: 1000, start: 900 }, true);
  clock.time += 10;
  progress.update(950);
  assert.match(written.at(-1) ?? '', / 95%.*5.00 steps\/s · ETA 0:10$/);
});

test('the speed is that of the last seconds: a slow first step is soon forgotten', () => {
  const { progress, clock, written } = bar({ total: 10_000 }, true);
  clock.time += 60;
  progress.update(1);
  for (let step = 2; step <= 300; step++) {
    clock.time += 0.1;
    progress.update(step);
  }
  assert.match(written.at(-1) ?? '', /· 10.0 steps\/s · ETA 16:1\d$/);
});

test('messages stand above the bar', () => {
  const { progress, written } = bar({ total: 10 }, true);
  progress.print('warning: skipped a file');
  assert.equal(written[1], '\r\x1b[Kwarning: skipped a file\n');
  assert.match(written[2], /0\/10/);
  const plain = bar({ total: 10 }, false);
  plain.progress.print('note');
  assert.deepEqual(plain.written, ['note\n']);
});

test('quiet writes nothing', () => {
  const { progress, clock, written } = bar({ total: 2, quiet: true }, true);
  clock.time += 60;
  progress.update(1);
  progress.print('note');
  progress.finish();
  assert.deepEqual(written, []);
});
