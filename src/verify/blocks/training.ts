/** What training is made of: optimisers, running means of parameters, schedules, parameter groups. */
import type { Engine } from '../../engine/index.js';
import { ensure, unknownName } from '../../errors/index.js';
import { type Shape, sizeOf, type Values } from '../../graph/index.js';
import {
  adamL2,
  adamw,
  cosineAnneal,
  lamb,
  lars,
  type Optimizer,
  parameterGroups,
  type Schedule,
  sgd,
  timmCosine,
  updateGraph,
  vattCosine,
  vattStepwise,
  vitLayerOf,
  warmupCosine,
} from '../../optim/index.js';
import type { Comparison } from '../comparison.js';
import { floatsOf, type GoldenCase, namesUnder, tensorOf } from '../goldenCase.js';
import { type BlockKind, outputsLike } from './blockKind.js';

/** What case.json says of one optimiser. */
interface OptimizerConfig {
  betas: [number, number];
  eps: number;
  momentum: number;
  nesterov?: boolean;
  weight_decay?: number;
  no_decay?: string[];
  max_grad_norm?: number;
  bias_correction?: boolean;
  grad_averaging?: boolean;
  trust_coeff?: number;
  trust_coefficient?: number;
}

/** By the first part of the reference's name for it: `adamw`, `sgd_momentum`, `lars_timm`, … */
const optimizersByPrefix: Record<string, (config: OptimizerConfig) => Optimizer> = {
  adamw: ({ betas, eps }) => adamw({ betas, epsilon: eps }),
  adam_l2: ({ betas, eps }) => adamL2({ betas, epsilon: eps }),
  sgd: ({ momentum, nesterov }) => sgd({ momentum, nesterov }),
  lamb: ({ betas, eps, bias_correction: biasCorrection, grad_averaging: gradientAveraging }) =>
    lamb({ betas, epsilon: eps, biasCorrection, gradientAveraging }),
  lars_timm: ({ momentum, trust_coeff: trustCoefficient, eps }) => lars({ momentum, trustCoefficient, epsilon: eps }),
  lars_mocov3: ({ momentum, trust_coefficient: trustCoefficient }) =>
    lars({ momentum, trustCoefficient, form: 'mocov3' }),
};

/** Several steps of each optimiser with given gradients: `adamw.step1.weight`, … */
const optimizers: BlockKind = {
  recognises: /^(\w+)\.step\d+\./,
  run: async (golden, comparison, engine) => {
    const keys = new Set(outputsLike(golden, optimizers.recognises).map(([, key]) => key));
    for (const key of keys) await optimizerSteps(golden, comparison, engine, key);
  },
};

async function optimizerSteps(golden: GoldenCase, comparison: Comparison, engine: Engine, key: string): Promise<void> {
  const config = golden.config[key] as OptimizerConfig | undefined;
  const prefix = Object.keys(optimizersByPrefix).find((name) => key.startsWith(name));
  ensure(config, () => `config of case.json says nothing of "${key}"`);
  if (!prefix) throw unknownName('optimizer', key, Object.keys(optimizersByPrefix));
  const parameters = namesUnder(golden, 'input.param.').map((name) => ({
    name,
    shape: tensorOf(golden, `input.param.${name}`).shape as Shape,
  }));
  const update = updateGraph(parameters, {
    optimizer: optimizersByPrefix[prefix](config),
    // Where the case lists what is exempt, that list is all; else biases are.
    groups: parameterGroups(parameters, {
      weightDecay: config.weight_decay ?? 0,
      noDecay: config.no_decay,
      decay1d: config.no_decay !== undefined,
    }),
    clipNorm: config.max_grad_norm,
  });
  const write = (values: Record<string, { shape: Shape; values: Values }>) =>
    engine.write(
      Object.fromEntries(
        Object.entries(values).map(([name, v]) => [
          name,
          { type: { shape: v.shape, dtype: 'f32' as const }, values: v.values },
        ]),
      ),
    );
  const stored = (kind: string, prefixOfInput: string) =>
    Object.fromEntries(
      parameters.map(({ name, shape }) => [
        `${kind}/${name}`,
        { shape, values: floatsOf(golden, `input.${prefixOfInput}.${name}`) },
      ]),
    );
  await write(stored('parameter', 'param'));
  await write(
    Object.fromEntries(
      update.state.map(({ buffer, shape }) => [buffer, { shape, values: new Float32Array(sizeOf(shape)) }]),
    ),
  );
  await write(stored('gradient', 'grad1'));
  const program = await engine.compile(update.graph, update.residency);
  const buffers = parameters.map(({ name }) => `parameter/${name}`);
  for (let step = 1; golden.io.has(`input.grad${step}.${parameters[0].name}`); step++) {
    await write(stored('gradient', `grad${step}`));
    await program.run(update.feeds(step, golden.config.lr));
    const after = await engine.read(buffers);
    for (const { name, shape } of parameters) {
      comparison.expect(`output.${key}.step${step}.${name}`, after.get(`parameter/${name}`)!, { shape });
    }
  }
  await program.dispose();
  await engine.free([
    ...buffers,
    ...parameters.map(({ name }) => `gradient/${name}`),
    ...update.state.map(({ buffer }) => buffer),
  ]);
}

/** ema ← decay·ema + (1 - decay)·online, over as many steps as there are online values. */
const movingAverage: BlockKind = {
  recognises: /^ema_step(\d+)$/,
  run: async (golden, comparison, engine) => {
    const { decay } = golden.config;
    const name = 'x';
    const shape = tensorOf(golden, 'input.ema0').shape;
    const size = floatsOf(golden, 'input.ema0').length;
    // With zero gradients the parameter stays what it is, and the update moves its running mean alone.
    const update = updateGraph([{ name, shape }], {
      optimizer: sgd({ momentum: 0 }),
      groups: new Map([[name, { learningRateScale: 1, weightDecay: 0 }]]),
      emaDecay: decay,
    });
    const program = await engine.compile(update.graph, update.residency);
    const write = (buffer: string, values: Values) =>
      engine.write({ [buffer]: { type: { shape, dtype: 'f32' }, values } });
    await write(`gradient/${name}`, new Float32Array(size));
    await write(`ema/${name}`, floatsOf(golden, 'input.ema0'));
    for (let step = 1; golden.io.has(`input.online${step}`); step++) {
      await write(`parameter/${name}`, floatsOf(golden, `input.online${step}`));
      await program.run(update.feeds(step, 0));
      comparison.expect(`output.ema_step${step}`, (await engine.read([`ema/${name}`])).get(`ema/${name}`)!, { shape });
    }
    await program.dispose();
    await engine.free(['gradient', 'ema', 'parameter'].map((kind) => `${kind}/${name}`));
  },
};

/** Learning rates and temperatures at given steps. */
const schedules: BlockKind = {
  recognises: /^(mae_lr|timm_lr|vatt_lr|vatt_stepwise_lr|cosine_anneal)$/,
  run: (golden, comparison) => {
    const { mae, timm_cosine: timm, vatt_cosine: vatt, vatt_stepwise: stepwise, cosine_anneal: anneal } = golden.config;
    const compare = (name: string, make: () => { schedule: Schedule; steps: ArrayLike<number> }) => {
      if (!comparison.wants(`output.${name}`)) return;
      const { schedule, steps } = make();
      comparison.expect(`output.${name}`, Array.from(steps, schedule));
    };
    const count = (name: string) => tensorOf(golden, `output.${name}`).data.length;
    compare('mae_lr', () => ({
      schedule: warmupCosine({ base: mae.lr, min: mae.min_lr, warmup: mae.warmup_epochs, total: mae.epochs }),
      steps: floatsOf(golden, 'input.mae_epoch'),
    }));
    compare('timm_lr', () => ({
      schedule: timmCosine({
        base: timm.lr,
        min: timm.lr_min,
        warmup: timm.warmup_t,
        warmupInit: timm.warmup_lr_init,
        total: timm.t_initial,
      }),
      // The value before the first step, then those of the steps 0, 1, …
      steps: Array.from({ length: count('timm_lr') }, (_, i) => Math.max(i - 1, 0)),
    }));
    compare('vatt_lr', () => ({
      schedule: vattCosine({
        base: vatt.base,
        warmup: vatt.warmup_steps,
        warmupInit: vatt.warmup_lr,
        total: vatt.total_steps,
      }),
      steps: floatsOf(golden, 'input.vatt_step'),
    }));
    compare('vatt_stepwise_lr', () => ({
      schedule: vattStepwise(stepwise),
      steps: floatsOf(golden, 'input.vatt_stepwise_step'),
    }));
    compare('cosine_anneal', () => {
      // Sampled evenly from the start to the end of the annealing.
      const samples = count('cosine_anneal');
      const stride = Math.max(1, Math.floor(anneal.ntime / Math.max(1, samples - 1)));
      return {
        schedule: cosineAnneal({ start: anneal.start, target: anneal.target, total: anneal.ntime }),
        steps: Array.from({ length: samples }, (_, i) => stride * i),
      };
    });
  },
};

/** Learning-rate scale and weight decay by parameter name, which case.json holds as `groups`. */
const layerDecay: BlockKind = {
  recognises: /^layer_scales$/,
  run: (golden, comparison) => {
    const { depth, layer_decay: decay, weight_decay: weightDecay, no_weight_decay_list: noDecay } = golden.config;
    const options = { weightDecay, noDecay, layerDecay: decay, layerOf: vitLayerOf(depth), numLayers: depth + 1 };
    const expected = Object.entries(
      (golden.json.groups ?? {}) as Record<string, { shape: Shape; lr_scale: number; weight_decay: number }>,
    );
    const groups = parameterGroups(
      expected.map(([name, { shape }]) => ({ name, shape })),
      options,
    );
    for (const [name, { lr_scale: scale, weight_decay: wd }] of expected) {
      const got = groups.get(name)!;
      comparison.expectValues(`groups.${name}`, [got.learningRateScale, got.weightDecay], [scale, wd]);
    }
    const representatives = [
      'cls_token',
      ...Array.from({ length: depth }, (_, i) => `blocks.${i}.weight`),
      'head.weight',
    ];
    const scales = parameterGroups(
      representatives.map((name) => ({ name, shape: [1] })),
      options,
    );
    comparison.expect(
      'output.layer_scales',
      representatives.map((name) => scales.get(name)!.learningRateScale),
    );
  },
};

/** The kinds of this file. */
export const trainingKinds: readonly BlockKind[] = [optimizers, movingAverage, schedules, layerDecay];
