/** Many steps: the calling thread stays live, memory stays flat and comes back. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../src/engine/index.js';
import { testDevices } from './devices.js';
import { attentionStep } from './graphs.js';

const child = fileURLToPath(new URL('./longRunsChild.js', import.meta.url));
const MB = 1e6;

test('the event loop is never blocked for 50 ms while a heavy graph runs', async () => {
  const { graph, residency, parameters, feeds } = attentionStep({ batch: 4, length: 512, dim: 256, layers: 4 });
  await using engine = await createEngine({ device: 'cpu' });
  await engine.write(parameters);
  const program = await engine.compile(graph, residency);
  await program.run(feeds);
  let best = Number.POSITIVE_INFINITY;
  // Other work on the machine can delay any thread: the best of three tries counts.
  for (let attempt = 0; attempt < 3 && best >= 50; attempt++) {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 5);
    const end = performance.now() + 1500;
    while (performance.now() < end) await program.run(feeds);
    await wait(10);
    clearInterval(timer);
    best = Math.min(best, longest);
  }
  assert.ok(best < 50, `blocked for ${best.toFixed(0)} ms`);
});

for (const { device, skip } of await testDevices()) {
  test(`${device}: memory is flat from step 50 to step 200, and given back by dispose`, { skip }, () => {
    const run = () =>
      JSON.parse(
        execFileSync(process.execPath, ['--expose-gc', child, device], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ) as Record<'after50' | 'after200' | 'disposed', number>;
    const isFlat = ({ after50, after200 }: ReturnType<typeof run>) =>
      after200 - after50 < Math.max(20 * MB, 0.03 * after50);
    // A late collection can fall between the two measurements; a leak does so every time.
    let found = run();
    for (let attempt = 1; attempt < 3 && !isFlat(found); attempt++) found = run();
    const { after50, after200, disposed } = found;
    const growth = after200 - after50;
    assert.ok(isFlat(found), `grew by ${(growth / MB).toFixed(0)} MB from ${(after50 / MB).toFixed(0)} MB`);
    // WebGPU's driver belongs to the process.
    if (device !== 'webgpu')
      assert.ok(
        disposed < after200 - 20 * MB,
        `still ${(disposed / MB).toFixed(0)} of ${(after200 / MB).toFixed(0)} MB`,
      );
  });
}
