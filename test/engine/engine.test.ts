/** What every device promises: buffers that stay on it, errors in one sentence, and an end when it is told to or idle. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createEngine, type DeviceName, type Engine } from '../../src/engine/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { Graph, input } from '../../src/graph/index.js';
import { testDevices } from './devices.js';
import { mlpStep } from './graphs.js';

const devices = [{ device: 'reference' as DeviceName, skip: false as const }, ...(await testDevices())];

async function losses(engine: Engine, steps: number): Promise<{ losses: number[]; weights: Float32Array }> {
  const { graph, residency, parameters, feeds } = mlpStep(8, 6, 2);
  await engine.write(parameters);
  const program = await engine.compile(graph, residency);
  const found: number[] = [];
  for (let i = 0; i < steps; i++) found.push((await program.run({ x: feeds.x.map((v) => v + i * 0.1) })).loss[0]);
  return { losses: found, weights: (await engine.read(['weight 1'])).get('weight 1') as Float32Array };
}

const expected = await losses(await createEngine({ device: 'reference' }), 5);

/** Asserts a rejection with one sentence that matches. */
async function refuses(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  await assert.rejects(promise, (error: Error) => {
    assert.ok(error instanceof HiperceiverError, String(error));
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes('\n') && /[.?]$/.test(error.message), error.message);
    return true;
  });
}

for (const { device, skip } of devices) {
  test(`${device}: five training steps on resident parameters give the reference's losses`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const found = await losses(engine, 5);
    assert.ok(found.losses[4] < 0.9 * found.losses[0], 'the loss falls');
    found.losses.forEach((loss, i) =>
      assert.ok(Math.abs(loss - expected.losses[i]) <= 1e-4, `step ${i}: ${loss}, not ${expected.losses[i]}`),
    );
    found.weights.forEach((w, i) => assert.ok(Math.abs(w - expected.weights[i]) <= 1e-4));
  });

  test(`${device}: an input whose value is a constant of the program is neither fed nor kept`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const graph = Graph.of({
      y: input('x', [1, 2])
        .matmul(input('w', [2, 3]).mul(2))
        .add(input('b', [3])),
    });
    const constants = (factor: number) =>
      new Map([
        ['w', Float32Array.of(1, 2, 3, 4, 5, 6).map((v) => v * factor)],
        ['b', Float32Array.of(10, 20, 30)],
      ]);
    const [one, ten] = [await engine.compile(graph, {}, constants(1)), await engine.compile(graph, {}, constants(10))];
    const x = Float32Array.of(1, 2);
    assert.deepEqual(Array.from((await one.run({ x })).y), [28, 44, 60]);
    assert.deepEqual(Array.from((await ten.run({ x })).y), [190, 260, 330]);
    await refuses(engine.compile(graph, {}, new Map([['w', new Float32Array(5)]])), /"w".*6 numbers.*not 5/);
  });

  test(`${device}: programs share buffers, which can be replaced and freed`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const w = input('w', [3]);
    const double = await engine.compile(Graph.of({ next: w.mul(2) }), { inputs: { w: 'w' }, outputs: { next: 'w' } });
    const copy = await engine.compile(Graph.of({ plus: w.add(1), total: w.sum() }), {
      inputs: { w: 'w' },
      outputs: { plus: 'other' },
    });
    const write = (values: number[]) =>
      engine.write({ w: { type: { shape: [3], dtype: 'f32' }, values: Float32Array.from(values) } });
    await write([1, 2, 3]);
    for (let i = 0; i < 3; i++) assert.deepEqual(await double.run(), {});
    assert.deepEqual(Array.from((await copy.run()).total), [48]);
    const read = async (...names: string[]) => [...(await engine.read(names)).values()].map((v) => Array.from(v));
    assert.deepEqual(await read('w', 'other'), [
      [8, 16, 24],
      [9, 17, 25],
    ]);
    await write([0, 0, 1]);
    await double.run();
    assert.deepEqual(
      await read('w', 'other'),
      [
        [0, 0, 2],
        [9, 17, 25],
      ],
      'the other buffer keeps its value',
    );
    await engine.free(['w']);
    await refuses(engine.read(['w']), /"w" was never written/);
    await refuses(double.run(), /"w" was never written/);
  });

  test(`${device}: whole numbers, booleans and outputs that are inputs cross over`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const [i, b] = [input('i', [3], 'i32'), input('b', [3], 'bool')];
    const program = await engine.compile(
      Graph.of({ same: i, twice: i.mul(2), flipped: b.not(), chosen: b.where(i.cast('f32'), -1) }),
    );
    const found = await program.run({ i: Int32Array.of(1, -2, 3), b: Uint8Array.of(1, 0, 1) });
    assert.deepEqual(Array.from(found.same), [1, -2, 3]);
    assert.deepEqual(found.twice, Int32Array.of(2, -4, 6));
    assert.deepEqual(Array.from(found.flipped), [0, 1, 0]);
    assert.deepEqual(Array.from(found.chosen), [1, -1, 3]);
  });

  test(`${device}: results of one run are not overwritten by the next`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const program = await engine.compile(Graph.of({ y: input('x', [2]).mul(2) }));
    const [first, second] = await Promise.all([
      program.run({ x: Float32Array.of(1, 2) }),
      program.run({ x: Float32Array.of(3, 4) }),
    ]);
    assert.deepEqual(
      [Array.from(first.y), Array.from(second.y)],
      [
        [2, 4],
        [6, 8],
      ],
    );
  });

  test(`${device}: wrong feeds and names are refused in a sentence`, { skip }, async () => {
    await using engine = await createEngine({ device });
    const x = input('x', [2, 3]);
    const program = await engine.compile(Graph.of({ y: x.neg() }));
    await refuses(program.run({}), /"x" \[2, 3\] was given no value/);
    await refuses(program.run({ x: new Float32Array(5) }), /"x" takes 6 numbers \[2, 3\], not 5/);
    await refuses(
      engine.write({ w: { type: { shape: [4], dtype: 'f32' }, values: new Float32Array(3) } }),
      /"w" takes 4/,
    );
    await refuses(
      engine.compile(Graph.of({ loss: x.sum() }), { outputs: { los: 'los' } }),
      /"los": did you mean "loss"/,
    );
    await program.run({ x: new Float32Array(6) });
  });

  test(`${device}: after dispose every call is refused in a sentence`, { skip }, async () => {
    const engine = await createEngine({ device });
    const program = await engine.compile(Graph.of({ y: input('x', [2]).neg() }));
    await engine.dispose();
    await engine.dispose();
    await refuses(program.run({ x: new Float32Array(2) }), /disposed/);
    await refuses(engine.compile(Graph.of({ y: input('x', [2]) })), /disposed/);
    await refuses(engine.read([]), /disposed/);
  });
}

test('an unknown device is refused with the nearest name', async () => {
  await refuses(createEngine({ device: 'webgp' as DeviceName }), /"webgp": did you mean "webgpu"/);
});

for (const device of ['cpu', 'wasm']) {
  test(`${device}: a process with an idle engine ends by itself`, () => {
    const script = `
      const { createEngine } = await import(${JSON.stringify(new URL('../../src/engine/index.js', import.meta.url).href)});
      const { Graph, input } = await import(${JSON.stringify(new URL('../../src/graph/index.js', import.meta.url).href)});
      const engine = await createEngine({ device: '${device}' });
      const program = await engine.compile(Graph.of({ y: input('x', [2]).mul(3) }));
      console.log((await program.run({ x: Float32Array.of(1, 2) })).y.join());`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.deepEqual([status, stdout.trim()], [0, '3,6'], stderr);
  });
}
