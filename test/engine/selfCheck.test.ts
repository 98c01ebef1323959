/** The check that a device computes what it should: it passes where it does, and names the operator where it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, type Engine, type Precision, selfCheck } from '../../src/engine/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import type { Values } from '../../src/graph/index.js';
import { testDevices } from './devices.js';

for (const { device, skip } of [{ device: 'reference' as const, skip: false as const }, ...(await testDevices())]) {
  test(`${device} computes the checked operators rightly`, { skip }, async () => {
    await using engine = await createEngine({ device, check: false });
    await selfCheck(engine);
    const began = performance.now();
    await selfCheck(engine);
    assert(performance.now() - began < 2000, 'again it takes no time to speak of');
  });

  test(`${device} computes them in half precision, or says that it cannot`, { skip }, async () => {
    await using engine = await createEngine({ device, check: false });
    await selfCheck(engine, 'f16').catch((error: Error) =>
      assert.match(error.message, /shader-f16.*--precision f32\.$/),
    );
  });
}

/** The reference with a fault in one output. */
async function faulty(operator: string, spoil: (values: Values) => Values): Promise<Engine> {
  const engine = await createEngine({ device: 'reference' });
  return Object.assign(Object.create(engine) as Engine, {
    device: 'webgpu',
    compile: async (...args: Parameters<Engine['compile']>) => {
      const program = await engine.compile(...args);
      return {
        ...program,
        run: async (feeds?: Record<string, Values>) => {
          const answer = await program.run(feeds);
          return { ...answer, [operator]: spoil(answer[operator]) };
        },
      };
    },
  });
}

for (const [operator, precision, spoil, expected] of [
  ['softmax', 'f32', (v) => v.map((x) => x * 1.01), /^webgpu computes softmax wrongly here \(off by 1\.0 %\)/],
  [
    'scatter-add',
    'f32',
    (v) => v.fill(0),
    /computes scatter-add wrongly.*update the graphics driver, or use --device cpu\.$/,
  ],
  [
    'layer norm',
    'f16',
    (v) => v.fill(Number.NaN, 3, 4),
    /layer norm in half precision wrongly here \(not a number\).*--precision f32 or --device cpu\.$/,
  ],
] as [string, Precision, (values: Values) => Values, RegExp][]) {
  test(`a wrong ${operator} in ${precision} is refused by name, with the way out`, async () => {
    await assert.rejects(selfCheck(await faulty(operator, spoil), precision), (error: Error) => {
      assert(error instanceof HiperceiverError);
      assert.match(error.message, expected);
      return true;
    });
  });
}

test('numbers that differ in the last places pass', async () => {
  await selfCheck(await faulty('softmax', (v) => v.map((x) => x * (1 + 1e-5)) as Values));
});
