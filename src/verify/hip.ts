/** Golden cases of HiP, HiPClassBottleneck and its Perceiver IO: outputs, losses, gradients, training steps, counts. */
import { toFloat32 } from '../checkpoint/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, unknownName } from '../errors/index.js';
import { Graph, gradients, input, sizeOf, type Tensor, type Values } from '../graph/index.js';
import { configOf, type Modality, type PerceiverOutputs, type System, systemByName } from '../models/index.js';
import { countParameters, DRAW, type ModelNeeds, PARAMETER, Scope } from '../nn/index.js';
import { maskedMeanSquaredError } from '../objectives/losses.js';
import { adamw } from '../optim/optimizers/index.js';
import { updateGraph } from '../optim/update.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase, integersOf, tensorOf } from './goldenCase.js';
import { runGraph } from './runGraph.js';

interface Built {
  needs: ModelNeeds;
  outputs: PerceiverOutputs;
  /** Mean over modalities of the masked reconstruction error, where the case has masks. */
  loss?: Tensor;
  feeds: Record<string, Values>;
}

/** Our systems by the reference's classes. */
const HIP_SYSTEMS: Record<string, string> = {
  HiP: 'hip',
  HiPClassBottleneck: 'hip_class_bottleneck',
  PerceiverIO: 'perceiver_io',
};

/** The system that a class of the reference is here. Throws with the nearest name where there is none. */
export function systemOfReference(name: string): string {
  if (!Object.hasOwn(HIP_SYSTEMS, name)) throw unknownName('reference class', name, Object.keys(HIP_SYSTEMS));
  return HIP_SYSTEMS[name];
}

/** Runs a case of HiP, and compares all that it expects: outputs, or training steps where it names an optimizer. */
export async function verifyHip(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const built = build(golden);
  const { paramCount } = golden.json;
  comparison.expectValues('paramCount', countParameters(built.needs), [paramCount], { rtol: 0, atol: 0 });
  checkNames(golden, built.needs);
  if (golden.json.optimizer) await verifyTraining(golden, comparison, engine, built);
  else await verifyOutputs(golden, comparison, engine, built);
}

function build(golden: GoldenCase): Built {
  const entry = String(golden.json.reference?.entry ?? '')
    .split('.')
    .pop()!;
  const modalities = (golden.json.modalities as { name: string; indexDim: number; channels: number }[]).map(
    (m): Modality => ({ name: m.name, indexShape: [m.indexDim], channels: m.channels }),
  );
  const system = systemByName(systemOfReference(entry));
  const config = caseConfig(system, golden.config);
  const scope = Scope.root({ training: Boolean(golden.json.call?.is_training) });
  const feeds: Record<string, Values> = {};
  const fed = (key: string): Tensor => {
    feeds[key] = floatsOf(golden, `input.${key}`);
    return input(key, tensorOf(golden, `input.${key}`).shape);
  };
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, fed(m.name)]));
  const outputs = system.apply(scope, config, modalities, inputs);
  for (const parameter of scope.needs.parameters.keys()) {
    const stored = golden.weights?.get(parameter);
    ensure(stored, () => `weights.safetensors holds no "${parameter}"`);
    feeds[PARAMETER + parameter] = toFloat32(stored);
  }
  for (const { name: draw, dtype } of scope.needs.draws.values()) {
    feeds[DRAW + draw] = dtype === 'i32' ? integersOf(golden, `input.${draw}`) : floatsOf(golden, `input.${draw}`);
  }
  const masked = modalities.filter((m) => golden.io.has(`input.mask.${m.name}`));
  const losses = masked.map((m) =>
    maskedMeanSquaredError(outputs.reconstruction[m.name], fed(`target.${m.name}`), fed(`mask.${m.name}`)),
  );
  const loss = losses.length > 0 ? losses.reduce((a, b) => a.add(b)).div(losses.length) : undefined;
  return { needs: scope.needs, outputs, loss, feeds };
}

/** The reference's snake_case arguments over the defaults that all variants share. */
function caseConfig(system: System, config: Record<string, unknown>): Record<string, unknown> {
  const camel = Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
  // Stored by the reference and never used: the activation is always squared ReLU.
  delete camel.activationName;
  const [first] = Object.keys(system.variants);
  return configOf(system, first, { numPositionEncodingChannels: undefined, ...camel });
}

function checkNames(golden: GoldenCase, { parameters }: ModelNeeds): void {
  const extra = [...(golden.weights?.keys() ?? [])].filter((name) => !parameters.has(name));
  ensure(
    extra.length === 0,
    () => `the model built has no parameter ${extra.slice(0, 3).join(', ')} (${extra.length} in all)`,
  );
}

async function verifyOutputs(
  golden: GoldenCase,
  comparison: Comparison,
  engine: Engine,
  { needs, outputs, loss, feeds }: Built,
): Promise<void> {
  const wanted = new Map<string, Tensor>();
  for (const [name, t] of Object.entries(outputs.reconstruction)) wanted.set(`output.reconstruction.${name}`, t);
  for (const [name, t] of Object.entries(outputs.latents)) wanted.set(`output.latents.${name}`, t);
  outputs.blocks.forEach((t, i) => wanted.set(`output.block.${i}`, t));
  if (loss) {
    wanted.set('output.loss', loss);
    const trained = [...needs.tensors].filter(([name]) => golden.io.has(`grad.${name}`));
    gradients(
      loss,
      trained.map(([, tensor]) => tensor),
    ).forEach((g, i) => wanted.set(`grad.${trained[i][0]}`, g));
  }
  const asked = Object.fromEntries([...wanted].filter(([key]) => comparison.wants(key)));
  const results = await runGraph(engine, asked, feeds);
  for (const [key, values] of Object.entries(results))
    comparison.expect(key, values as Float32Array, { shape: asked[key].shape });
}

interface CaseOptimizer {
  name: string;
  lr: number;
  b1: number;
  b2: number;
  eps: number;
  weightDecay: number;
  steps: number;
}

/** Steps of an optimiser on one batch: two programs, parameters and state resident, as in training. */
async function verifyTraining(
  golden: GoldenCase,
  comparison: Comparison,
  engine: Engine,
  { needs, loss, feeds }: Built,
): Promise<void> {
  const { name, lr, b1, b2, eps, weightDecay, steps } = golden.json.optimizer as CaseOptimizer;
  ensure(name === 'adamw', () => `the optimizer "${name}" of case.json is not one of: adamw`);
  ensure(loss, () => 'case.json names an optimizer, but the case has no masks to make a loss of');
  const parameters = [...needs.parameters.values()];
  const grads = gradients(
    loss,
    parameters.map((p) => needs.tensors.get(p.name)!),
  );
  const update = updateGraph(parameters, {
    optimizer: adamw({ betas: [b1, b2], epsilon: eps }),
    groups: new Map(parameters.map((p) => [p.name, { learningRateScale: 1, weightDecay }])),
  });
  const buffers = parameters.map(
    (p) =>
      [
        PARAMETER + p.name,
        { type: { shape: p.shape, dtype: 'f32' as const }, values: feeds[PARAMETER + p.name] },
      ] as const,
  );
  const state = update.state.map(
    (s) =>
      [
        s.buffer,
        {
          type: { shape: s.shape, dtype: 'f32' as const },
          values: s.initial === 'zeros' ? new Float32Array(sizeOf(s.shape)) : feeds[PARAMETER + s.parameter],
        },
      ] as const,
  );
  await engine.write(Object.fromEntries([...buffers, ...state]));
  const forward = await engine.compile(
    Graph.of({ loss, ...Object.fromEntries(grads.map((g, i) => [`gradient/${parameters[i].name}`, g])) }),
    {
      inputs: Object.fromEntries(parameters.map((p) => [PARAMETER + p.name, PARAMETER + p.name])),
      outputs: Object.fromEntries(parameters.map((p) => [`gradient/${p.name}`, `gradient/${p.name}`])),
    },
  );
  const step = await engine.compile(update.graph, update.residency);
  const losses: number[] = [];
  for (let i = 1; i <= steps + 1; i++) {
    losses.push((await forward.run(feeds)).loss[0]);
    if (i <= steps) await step.run(update.feeds(i, lr));
  }
  if (comparison.wants('output.losses')) comparison.expect('output.losses', losses.slice(0, steps));
  if (comparison.wants('output.final_loss')) comparison.expect('output.final_loss', losses[steps]);
  const after = await engine.read(parameters.map((p) => PARAMETER + p.name));
  for (const p of parameters) {
    const key = `output.param_after.${p.name}`;
    if (comparison.wants(key))
      comparison.expect(key, after.get(PARAMETER + p.name) as Float32Array, {
        shape: p.shape,
        atol: toleranceAfter(golden, p.name),
      });
  }
  await Promise.all([forward.dispose(), step.dispose()]);
}

/** `atolParamAfter`: a default, and entries `names ending in X` for parameters that move by rounding noise alone. */
function toleranceAfter(golden: GoldenCase, parameter: string): number {
  const table = (golden.json.atolParamAfter ?? {}) as Record<string, number>;
  for (const [rule, atol] of Object.entries(table)) {
    if (rule.startsWith('names ending in ') && parameter.endsWith(rule.slice('names ending in '.length))) return atol;
  }
  return table.default ?? golden.json.atol;
}
