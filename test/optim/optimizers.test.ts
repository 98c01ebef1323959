import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type DeviceName, type Engine } from '../../src/engine/index.js';
import { type Shape, sizeOf } from '../../src/graph/index.js';
import {
  adamL2,
  adamw,
  lamb,
  lars,
  type Optimizer,
  sgd,
  type UpdateOptions,
  updateGraph,
} from '../../src/optim/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

// Agreement with PyTorch and timm is tested by the golden case `optimizers` under test/verify.

const parameters = [
  { name: 'w', shape: [5, 3] },
  { name: 'b', shape: [3] },
  { name: 'table', shape: [2, 4, 3] },
];
const groups = new Map([
  ['w', { learningRateScale: 0.5, weightDecay: 0.1 }],
  ['b', { learningRateScale: 1, weightDecay: 0 }],
  ['table', { learningRateScale: 2, weightDecay: 0.02 }],
]);
const valueAt = (kind: string, step: number, name: string, shape: Shape) =>
  normal(fold(fold(keyFrom(3), `${kind}/${name}`), step), sizeOf(shape));

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

/** Runs steps with drawn gradients; the last values of all buffers and each step's gradient norm. */
async function train(options: UpdateOptions, steps: number, learningRate = 0.05, on = engine) {
  const update = updateGraph(parameters, options);
  const write = (buffer: string, shape: Shape, values: Float32Array) =>
    on.write({ [buffer]: { type: { shape, dtype: 'f32' }, values } });
  for (const { name, shape } of parameters) await write(`parameter/${name}`, shape, valueAt('p', 0, name, shape));
  for (const { name, shape } of parameters) await write(`gradient/${name}`, shape, valueAt('g', 1, name, shape));
  for (const { buffer, parameter, shape, initial } of update.state) {
    await write(
      buffer,
      shape,
      initial === 'zeros' ? new Float32Array(sizeOf(shape)) : valueAt('p', 0, parameter, shape),
    );
  }
  const program = await on.compile(update.graph, update.residency);
  const norms: number[] = [];
  for (let step = 1; step <= steps; step++) {
    for (const { name, shape } of parameters) await write(`gradient/${name}`, shape, valueAt('g', step, name, shape));
    const answer = await program.run(update.feeds(step, learningRate));
    assert.deepEqual(Object.keys(answer), ['gradientNorm']);
    norms.push(answer.gradientNorm[0]);
  }
  const buffers = await on.read([
    ...parameters.map(({ name }) => `parameter/${name}`),
    ...update.state.map(({ buffer }) => buffer),
  ]);
  await program.dispose();
  return { norms, buffers };
}

function assertClose(got: ArrayLike<number>, wanted: ArrayLike<number>, what: string) {
  assert.equal(got.length, wanted.length, what);
  for (let i = 0; i < got.length; i++) {
    assert.ok(
      Math.abs(got[i] - wanted[i]) <= 1e-6 + 1e-5 * Math.abs(wanted[i]),
      `${what}[${i}]: ${got[i]} instead of ${wanted[i]}`,
    );
  }
}

test('AdamW with groups, accumulation, clipping and EMA equals the plain formulas', async () => {
  const [b1, b2, epsilon, clipNorm, gradientScale, decay, rate] = [0.8, 0.9, 1e-6, 0.7, 0.25, 0.95, 0.05];
  const { norms, buffers } = await train(
    { optimizer: adamw({ betas: [b1, b2], epsilon }), groups, clipNorm, gradientScale, emaDecay: decay },
    4,
    rate,
  );
  const state = parameters.map(({ name, shape }) => ({
    name,
    shape,
    p: Float64Array.from(valueAt('p', 0, name, shape)),
    ema: Float64Array.from(valueAt('p', 0, name, shape)),
    m: new Float64Array(sizeOf(shape)),
    v: new Float64Array(sizeOf(shape)),
  }));
  for (let step = 1; step <= 4; step++) {
    const gradients = state.map(({ name, shape }) => valueAt('g', step, name, shape).map((g) => g * gradientScale));
    const norm = Math.sqrt(gradients.reduce((total, g) => total + g.reduce((sum, x) => sum + x * x, 0), 0));
    assertClose([norms[step - 1]], [norm], 'gradientNorm');
    assert.ok(norm > clipNorm, 'the test should clip');
    state.forEach(({ name, p, m, v, ema }, k) => {
      const { learningRateScale, weightDecay } = groups.get(name)!;
      const lr = rate * learningRateScale;
      for (let i = 0; i < p.length; i++) {
        const g = (gradients[k][i] * clipNorm) / norm;
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        p[i] -= lr * (m[i] / (1 - b1 ** step) / (Math.sqrt(v[i] / (1 - b2 ** step)) + epsilon) + weightDecay * p[i]);
        ema[i] = decay * ema[i] + (1 - decay) * p[i];
      }
    });
  }
  for (const { name, p, m, v, ema } of state) {
    assertClose(buffers.get(`parameter/${name}`)!, p, name);
    assertClose(buffers.get(`firstMoment/${name}`)!, m, `firstMoment/${name}`);
    assertClose(buffers.get(`secondMoment/${name}`)!, v, `secondMoment/${name}`);
    assertClose(buffers.get(`ema/${name}`)!, ema, `ema/${name}`);
  }
});

const optimizers: Record<string, Optimizer> = {
  adamw: adamw(),
  adamL2: adamL2(),
  sgd: sgd(),
  plain: sgd({ momentum: 0 }),
  nesterov: sgd({ nesterov: true }),
  lamb: lamb(),
  lars: lars(),
  larsMocov3: lars({ form: 'mocov3' }),
};

test('gradients below the clipping norm stay as they are', async () => {
  for (const optimizer of Object.values(optimizers)) {
    const [clipped, free] = await Promise.all(
      [{ clipNorm: 1e3 }, { clipNorm: 0 }].map((clip) => train({ optimizer, groups, ...clip }, 2)),
    );
    assert.deepEqual(clipped, free, optimizer.name);
  }
});

test('a gradient of 0 leaves parameters without decay where they are, at the first step too', async () => {
  for (const [name, optimizer] of Object.entries(optimizers)) {
    const update = updateGraph([{ name: 'x', shape: [3, 2] }], {
      optimizer,
      groups: new Map([['x', { learningRateScale: 1, weightDecay: 0 }]]),
      clipNorm: 1,
    });
    const type = { shape: [3, 2], dtype: 'f32' as const };
    const zeros = new Float32Array(6);
    const before = Float32Array.of(0, 1, -2, 3, 0.5, 0);
    await engine.write({ 'parameter/x': { type, values: before }, 'gradient/x': { type, values: zeros } });
    await engine.write(Object.fromEntries(update.state.map(({ buffer }) => [buffer, { type, values: zeros }])));
    const program = await engine.compile(update.graph, update.residency);
    await program.run(update.feeds(1, 0.1));
    assert.deepEqual((await engine.read(['parameter/x'])).get('parameter/x'), before, name);
    await program.dispose();
  }
});

test('layer-wise optimisers give an all-zero parameter a finite step', async () => {
  for (const optimizer of [lamb(), lars(), lars({ form: 'mocov3' })]) {
    const update = updateGraph([{ name: 'x', shape: [2, 2] }], {
      optimizer,
      groups: new Map([['x', { learningRateScale: 1, weightDecay: 0.1 }]]),
    });
    const type = { shape: [2, 2], dtype: 'f32' as const };
    await engine.write({
      'parameter/x': { type, values: new Float32Array(4) },
      'gradient/x': { type, values: Float32Array.of(1, 2, 3, 4) },
    });
    await engine.write(
      Object.fromEntries(update.state.map(({ buffer }) => [buffer, { type, values: new Float32Array(4) }])),
    );
    const program = await engine.compile(update.graph, update.residency);
    await program.run(update.feeds(1, 0.1));
    const after = [...(await engine.read(['parameter/x'])).get('parameter/x')!];
    assert.ok(
      after.every((v) => Number.isFinite(v) && v < 0),
      `${optimizer.name}: ${after}`,
    );
    await program.dispose();
  }
});

test('every optimiser gives the same on the reference device', async () => {
  await using reference = await createEngine({ device: 'reference' as DeviceName });
  for (const optimizer of Object.values(optimizers)) {
    const options = { optimizer, groups, clipNorm: 1, emaDecay: 0.9 };
    const [a, b] = [await train(options, 3), await train(options, 3, 0.05, reference)];
    for (const [buffer, values] of a.buffers)
      assertClose(values, b.buffers.get(buffer)!, `${optimizer.name} ${buffer}`);
  }
});

test('AdamW takes at most 14 passes over a parameter', () => {
  const count = (options: Partial<UpdateOptions>) => {
    const shape = [64, 32];
    const { graph } = updateGraph([{ name: 'w', shape }], {
      optimizer: adamw(),
      groups: new Map([['w', { learningRateScale: 1, weightDecay: 0.05 }]]),
      ...options,
    });
    return graph.nodes.filter((node) => node.inputs.length > 0 && node.outputs[0].size === sizeOf(shape)).length;
  };
  // One more for the squares of the gradient norm, which common sub-expressions share with Adam's where nothing is clipped.
  assert.ok(count({}) <= 14, `${count({})}`);
  assert.ok(count({ clipNorm: 1 }) <= 15, `${count({ clipNorm: 1 })}`);
});

test('what cannot be meant is refused', () => {
  const make = (options: Partial<UpdateOptions>) => () =>
    updateGraph(parameters, { optimizer: adamw(), groups, ...options });
  assert.throws(make({ groups: new Map([['x', { learningRateScale: 1, weightDecay: 0 }]]) }), /parameter groups "w"/);
  assert.throws(make({ clipNorm: -1 }), /clipNorm is -1/);
  assert.throws(make({ emaDecay: 2 }), /emaDecay is 2/);
  assert.throws(make({ gradientScale: 0 }), /gradientScale is 0/);
  assert.throws(() => adamw({ betas: [0.9, 1] }), /beta2 is 1/);
  assert.throws(() => sgd({ momentum: 1 }), /momentum is 1/);
  assert.throws(() => sgd({ momentum: 0, nesterov: true }), /nesterov needs a momentum/);
  assert.throws(() => lars({ form: 'mocov2' as 'mocov3' }), /form is "mocov2"/);
});
