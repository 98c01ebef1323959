/** Several steps of AdamW from a case's weights, each on a batch of its own, as the case tells. */
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { Graph, gradients, sizeOf, type Tensor, type Values } from '../graph/index.js';
import { storedAs } from '../models/layouts/index.js';
import { PARAMETER, type ParameterSpec } from '../nn/index.js';
import { adamw } from '../optim/optimizers/index.js';
import { updateGraph } from '../optim/update.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase } from './goldenCase.js';
import { compareNamed, parametersOf, type ReferenceModel } from './referenceModel.js';

/** `training` of case.json. */
interface Training {
  optimizer: string;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  steps: number;
  /** Names of the tensors that decay. */
  decay: string[];
}

/**
 * Trains and compares `output.losses` (each before its step), `grad.*` (of the first step) and `output.final.*`.
 * @param feedsOf the batch of a step, counted from 0
 */
export async function compareTrajectory(
  golden: GoldenCase,
  comparison: Comparison,
  engine: Engine,
  model: ReferenceModel,
  loss: Tensor,
  feedsOf: (step: number) => Record<string, Values>,
): Promise<void> {
  const { optimizer, betas, eps, weight_decay: weightDecay, steps, decay } = golden.json.training as Training;
  ensure(optimizer === 'AdamW', () => `the optimizer "${optimizer}" of case.json is not one of: AdamW`);
  const { needs, layout } = model;
  const trained = [...needs.parameters.values()].filter(({ frozen }) => !frozen);
  const decays = (p: ParameterSpec) => decay.includes(storedAs(layout, p)?.name ?? '');
  const update = updateGraph(trained, {
    optimizer: adamw({ betas, epsilon: eps }),
    groups: new Map(trained.map((p) => [p.name, { learningRateScale: 1, weightDecay: decays(p) ? weightDecay : 0 }])),
  });
  const first = parametersOf(golden, model);
  const buffer = (shape: readonly number[], values: Values) => ({ type: { shape, dtype: 'f32' as const }, values });
  await engine.write({
    ...Object.fromEntries(
      [...needs.parameters.values()].map((p) => [PARAMETER + p.name, buffer(p.shape, first.get(p.name)!)]),
    ),
    ...Object.fromEntries(
      update.state.map((s) => [
        s.buffer,
        buffer(s.shape, s.initial === 'zeros' ? new Float32Array(sizeOf(s.shape)) : first.get(s.parameter)!),
      ]),
    ),
  });
  const grads = gradients(
    loss,
    trained.map(({ name }) => needs.tensors.get(name)!),
  );
  const named = (prefix: string, names: Iterable<string>) =>
    Object.fromEntries(Array.from(names, (name) => [prefix + name, prefix + name]));
  const names = trained.map(({ name }) => name);
  const forward = await engine.compile(
    Graph.of({ loss, ...Object.fromEntries(names.map((name, i) => [`gradient/${name}`, grads[i]])) }),
    { inputs: named(PARAMETER, needs.parameters.keys()), outputs: named('gradient/', names) },
  );
  const step = await engine.compile(update.graph, update.residency);
  const read = async (prefix: string) => {
    const values = await engine.read(names.map((name) => prefix + name));
    return new Map(names.map((name) => [name, values.get(prefix + name) as Float32Array]));
  };
  const rates = floatsOf(golden, 'input.lr');
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    losses.push((await forward.run(feedsOf(i))).loss[0]);
    if (i === 0) compareNamed(comparison, model, 'grad.', await read('gradient/'));
    await step.run(update.feeds(i + 1, rates[i]));
  }
  comparison.expect('output.losses', losses);
  compareNamed(comparison, model, 'output.final.', await read(PARAMETER), (name) => ({
    except: ignored(golden, name),
  }));
  await Promise.all([forward.dispose(), step.dispose()]);
  await engine.free([
    ...[...needs.parameters.keys()].map((name) => PARAMETER + name),
    ...names.map((name) => `gradient/${name}`),
    ...update.state.map((s) => s.buffer),
  ]);
}

/** Elements whose true gradient is zero: AdamW makes whole steps of their rounding noise. */
function ignored({ json }: GoldenCase, parameter: string): [number, number][] | undefined {
  const all = (json.ignore ?? []) as { param: string; start: number; end: number }[];
  const own = all.filter(({ param }) => param === parameter).map(({ start, end }): [number, number] => [start, end]);
  return own.length > 0 ? own : undefined;
}
