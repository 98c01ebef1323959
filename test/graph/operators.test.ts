/** Every operator: its gradient against finite differences, and its values against the reference on every device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, type DeviceName, evaluate } from '../../src/engine/index.js';
import { allOperators, Graph, gradients, sizeOf, type Tensor, type Values } from '../../src/graph/index.js';
import { fold, keyFrom, uniform } from '../../src/random/index.js';
import { testDevices } from '../engine/devices.js';
import { composites, Draw, type Sample, samples } from './samples.js';

/** A sample with a scalar that weighs all of its f32 outputs, and the gradients of that. */
interface Case {
  name: string;
  values: Record<string, Values>;
  differentiable: Tensor[];
  outputs: Tensor[];
  loss?: Tensor;
  gradients: Tensor[];
}

function makeCase(name: string, build: Sample): Case {
  const draw = new Draw(name);
  const result = build(draw);
  const outputs = Array.isArray(result) ? result : [result];
  const floats = outputs.filter((t) => t.dtype === 'f32');
  const { values, differentiable } = draw;
  if (floats.length === 0 || differentiable.length === 0)
    return { name, values, differentiable, outputs, gradients: [] };
  const weighted = floats.map((t, i) => {
    const weights = uniform(fold(keyFrom(1), name, i), t.size).map((u) => u * 2 - 0.7);
    return t.mul(draw.fixed(t.shape, weights)).sum();
  });
  const loss = weighted.reduce((a, b) => a.add(b));
  return { name, values, differentiable, outputs, loss, gradients: gradients(loss, differentiable) };
}

const cases: Case[] = [
  ...Object.entries(samples).flatMap(([operator, all]) =>
    Object.entries(all).map(([name, build]) => makeCase(`${operator}: ${name}`, build)),
  ),
  ...Object.entries(composites).map(([name, build]) => makeCase(name, build)),
];

/** All that a case computes, under names that are unique over all cases. */
function outputsOf({ name, outputs, gradients }: Case): [string, Tensor][] {
  return [
    ...outputs.map((t, i) => [`${name} → ${i}`, t] as [string, Tensor]),
    ...gradients.map((t, i) => [`${name} → gradient ${i}`, t] as [string, Tensor]),
  ];
}

const graphOf = (some: Case[]) => new Graph(new Map(some.flatMap(outputsOf)));

function feedsOf(some: Case[], graph: Graph): Record<string, Values> {
  const all = Object.assign({}, ...some.map((c) => c.values));
  return Object.fromEntries([...graph.inputs.keys()].map((name) => [name, all[name]]));
}

test('every operator has a sample that uses it', () => {
  for (const name of allOperators().keys()) {
    assert.ok(Object.keys(samples[name] ?? {}).length > 0, `operator ${name} has no sample`);
    const used = cases.some(
      (c) => c.name.startsWith(`${name}: `) && graphOf([c]).nodes.some((node) => node.operator.name === name),
    );
    assert.ok(used, `no sample of ${name} uses it`);
  }
  for (const name of Object.keys(samples))
    assert.ok(allOperators().has(name), `there are samples of ${name}, which is no operator`);
});

test('gradients agree with central differences in double precision', () => {
  for (const { name, values, differentiable, loss, gradients: found } of cases) {
    if (!loss) continue;
    const graph = Graph.of({ loss });
    const feeds = Object.fromEntries(
      Object.entries(values).map(([key, v]) => [key, v instanceof Float32Array ? Float64Array.from(v) : v]),
    );
    const named = Object.fromEntries(found.map((g, i) => [String(i), g]));
    const analytic = evaluate(Graph.of(named), feeds);
    const lossAt = () => evaluate(graph, feeds).get('loss')![0];
    differentiable.forEach((t, i) => {
      const x = feeds[t.node.attributes.name as string];
      const g = analytic.get(String(i))!;
      assert.deepEqual(found[i].shape, t.shape, `${name}: shape of gradient ${i}`);
      const numeric = Float64Array.from(x, (original, at) => {
        const step = 1e-5;
        x[at] = original + step;
        const above = lossAt();
        x[at] = original - step;
        const below = lossAt();
        x[at] = original;
        return (above - below) / (2 * step);
      });
      const scale = Math.max(1, ...numeric.map(Math.abs));
      numeric.forEach((n, at) => {
        assert.ok(
          Math.abs(g[at] - n) <= 1e-6 * scale,
          `${name}: gradient ${i} at ${at} is ${g[at]}, differences say ${n}`,
        );
      });
    });
  }
});

/** Runs cases in one session; where that fails, one by one, to name the ones that do not run. */
async function runOn(device: DeviceName, some: Case[]): Promise<Map<string, Values>> {
  const graph = graphOf(some);
  await using engine = await createEngine({ device });
  const program = await engine.compile(graph);
  return new Map(Object.entries(await program.run(feedsOf(some, graph))));
}

async function runAll(device: DeviceName): Promise<Map<string, Values>> {
  try {
    return await runOn(device, cases);
  } catch (error) {
    const failures = [(error as Error).message];
    for (const c of cases)
      await runOn(device, [c]).catch((single: Error) => failures.push(`${c.name}: ${single.message}`));
    return assert.fail(failures.join('\n'));
  }
}

const whole = graphOf(cases);
const expected = evaluate(whole, feedsOf(cases, whole));

for (const { device, skip } of [{ device: 'reference' as const, skip: false as const }, ...(await testDevices())]) {
  test(`values and gradients on ${device} are the reference's`, { skip }, async () => {
    const found = await runAll(device);
    const wrong: string[] = [];
    for (const [name, values] of expected) {
      const got = found.get(name)!;
      const { shape, dtype } = whole.outputs.get(name)!;
      assert.equal(got.length, sizeOf(shape), name);
      const scale = Math.max(1, ...Array.from(values, Math.abs).filter(Number.isFinite));
      // WGSL promises sine and cosine to 2^-11 alone.
      const precision = device === 'webgpu' && /^(sin|cos):/.test(name) ? 2 ** -11 : 2e-5;
      const bound = dtype === 'f32' ? precision * scale : 0;
      const at = got.findIndex((v, i) => !(v === values[i] || Math.abs(v - values[i]) <= bound));
      if (at >= 0) wrong.push(`${name} at ${at}: ${got[at]}, not ${values[at]}`);
    }
    assert.deepEqual(wrong, []);
  });
}
