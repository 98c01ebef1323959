/** What is timed: a model, an objective and one batch, as the project's own training builds and runs them. */
import { Graph, input, sizeOf, type Tensor, type Values } from '../src/graph/index.js';
import { configOf, indexDim, type Modality, type PerceiverOutputs, systemByName } from '../src/models/index.js';
import { type ModelNeeds, PARAMETER, type ParameterSpec, type Rematerialization, Scope } from '../src/nn/index.js';
import { maskedAutoencoding, maskFeeds, maskInputs, planMasks } from '../src/objectives/index.js';
import { fold, keyFrom, normal } from '../src/random/index.js';
import { forwardFlops } from './flops.js';
import { imageWorkload } from './imageWorkload.js';

/** What a workload computes. */
export type Task =
  /** Mean squared error of the reconstruction of all inputs, nothing masked: what the PyTorch peer computes too. */
  | 'reconstruct'
  /** Mean square of the encoder's output, as in the paper's table of speeds: no decoder. */
  | 'encode'
  /** Masked auto-encoding with groupwise masks; the loss counts masked positions. */
  | 'autoencode'
  /** Mean square of the first cross-attention's output: embedding, positions and the first reading of the inputs. */
  | 'inputStage'
  /** `vit`: cross-entropy of 1,000 classes; `mae`: masked patches. See `imageWorkload.ts`. */
  | 'image';

/** A workload in words that can be sent to another process. */
export interface WorkloadSpec {
  system: string;
  variant: string;
  /** Fields of the variant's configuration to change. */
  config?: Record<string, unknown>;
  /** Grid of the input: [1024], [224, 224]. */
  indexShape: number[];
  channels: number;
  batch: number;
  task: Task;
  /** For `autoencode` and `inputStage`: whether masked inputs are dropped, or all inputs enter. */
  masking?: 'drop' | 'all';
  /** Share of the inputs that masks hide; default {@link MASK_RATIO}. */
  maskRatio?: number;
  /** What is computed again in the backward pass, to need less memory; default: nothing. */
  rematerialize?: Rematerialization;
  /** Parts of the backward pass, each with its update; default 1. */
  segments?: number;
}

/** A workload as graphs and arrays. */
export interface Workload {
  spec: WorkloadSpec;
  config: Record<string, unknown>;
  /** What training minimises. */
  loss: Tensor;
  /** What is trained: all parameters of the model, or of the part that is run. */
  needs: ModelNeeds;
  /** The model's answer, without a loss: `output`. */
  forward: Graph;
  /** Makes the batch and the masks: equal at every call. */
  feeds(): Record<string, Values>;
  /** Operations of the plain architecture's forward pass; absent where inputs are masked or only a part is run. */
  plainFlops?: number;
}

/** The paper's share of masked inputs. */
export const MASK_RATIO = 0.85;
const KEY = keyFrom(7);
const INPUT = 'image';

/** Builds the graphs of a workload: milliseconds, and no memory. */
export function buildWorkload(spec: WorkloadSpec): Workload {
  if (spec.task === 'image') return imageWorkload(spec, waves);
  const system = systemByName(spec.system);
  const modality: Modality = { name: INPUT, indexShape: spec.indexShape, channels: spec.channels };
  const shape = [spec.batch, indexDim(modality), spec.channels];
  const x = input(INPUT, shape);
  let masks = (): Record<string, Values> => ({});
  const scope = Scope.root({ training: true, rematerialize: spec.rematerialize });
  const isInputStage = spec.task === 'inputStage';
  const config = configOf(system, spec.variant, {
    ...spec.config,
    // Of the first block its cross-attention alone; the later ones are not run.
    ...(isInputStage ? withoutSelfAttention(system.variants[spec.variant]) : {}),
  });
  const drops = (spec.masking ?? 'all') === 'drop';
  const masking = {
    scheme: 'group',
    ratio: spec.maskRatio ?? MASK_RATIO,
    input: drops ? 'drop' : 'zero',
    perExample: true,
    reconstruct: 'masked',
    normalizeTargets: false,
  } as const;

  let loss: Tensor;
  let output: Tensor;
  if (spec.task === 'autoencode') {
    const built = maskedAutoencoding(scope, system, config, [modality], { [INPUT]: x }, masking);
    masks = () => maskFeeds(built.plans, masking, fold(KEY, 'masks'));
    [loss, output] = [built.loss, built.outputs.reconstruction[INPUT]];
  } else if (isInputStage && drops) {
    const plans = planMasks(system.grouping(config, [modality]), masking, spec.batch);
    const [{ examples, groups, numVisible }] = plans;
    const visible = input(maskInputs(INPUT).visible, [examples, groups, numVisible], 'i32');
    masks = () => maskFeeds(plans, masking, fold(KEY, 'masks'));
    const selections = { [INPUT]: { visible } };
    output = firstBlock(system.apply(scope, config, [modality], { [INPUT]: x }, { encoderOnly: true, selections }));
    loss = meanSquare(output);
  } else if (spec.task === 'reconstruct') {
    output = system.apply(scope, config, [modality], { [INPUT]: x }).reconstruction[INPUT];
    loss = meanSquare(output.sub(x));
  } else {
    const outputs = system.apply(scope, config, [modality], { [INPUT]: x }, { encoderOnly: true });
    output = isInputStage ? firstBlock(outputs) : outputs.blocks[outputs.blocks.length - 1];
    loss = meanSquare(output);
  }
  const plain = spec.task === 'reconstruct' || spec.task === 'encode';
  const applied = { system: spec.system, config, modality, batch: spec.batch, encoderOnly: spec.task === 'encode' };
  return {
    spec,
    config,
    loss,
    needs: isInputStage ? neededBy(loss, scope.needs) : scope.needs,
    forward: Graph.of({ output }),
    feeds: () => ({ [INPUT]: waves(sizeOf(shape)), ...masks() }),
    plainFlops: plain ? forwardFlops(applied) : undefined,
  };
}

/** First values of parameters: quick to make, and none of them zero, so that every operation works on real numbers. */
export function parameterValues(parameters: Iterable<ParameterSpec>): Map<string, Float32Array> {
  const noise = normal(fold(KEY, 'parameters'), 1 << 16).map((v) => Math.max(-2, Math.min(2, v)));
  const fill = ({ shape, initializer }: ParameterSpec): Float32Array => {
    const values = new Float32Array(sizeOf(shape));
    for (let at = 0; at < values.length; at += noise.length) values.set(noise.subarray(0, values.length - at), at);
    const deviation = 'deviation' in initializer ? initializer.deviation : shape.length > 1 ? 0.1 : 0.02;
    const mean = initializer.kind === 'constant' ? initializer.value : 0;
    for (let i = 0; i < values.length; i++) values[i] = mean + deviation * values[i];
    return values;
  };
  return new Map([...parameters].map((spec) => [spec.name, fill(spec)]));
}

function meanSquare(x: Tensor): Tensor {
  return x.mul(x).mean();
}

function firstBlock({ blocks }: PerceiverOutputs): Tensor {
  return blocks[0];
}

function withoutSelfAttention({ numSelfAttendsPerBlock: layers }: { numSelfAttendsPerBlock: number | number[] }) {
  return { numSelfAttendsPerBlock: Array.isArray(layers) ? layers.map(() => 0) : 0 };
}

/** What of a model's needs a loss reaches: the parameters of a part of it. */
function neededBy(loss: Tensor, needs: ModelNeeds): ModelNeeds {
  const { inputs } = Graph.of({ loss });
  return { ...needs, parameters: new Map([...needs.parameters].filter(([name]) => inputs.has(PARAMETER + name))) };
}

/** Numbers like an image's after normalisation: smooth, within ±2. */
function waves(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
}
