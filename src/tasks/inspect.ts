/** What a model is made of, without allocating any of it: parameters, operations and the shape of every stage. */
import { ensure } from '../errors/index.js';
import { type Node, type Shape, type Tensor, topologicalOrder } from '../graph/index.js';
import { configOf, type Modality, type PerceiverOutputs, systemByName } from '../models/index.js';
import { countParameters, type ModelNeeds, Scope } from '../nn/index.js';
import { applyModel, type ModelDescription, modelInputs } from '../training/index.js';
import { classified } from './classification.js';
import { segment } from './segmentation.js';

/** A part of a model: the nodes that its output needs and no earlier stage's does. */
export interface StageReport {
  /** `inputs`, `block 0`, …, `reconstruction image`, `prediction image`, `classifier` */
  name: string;
  /** What it puts out: `[B, G, N, C]` for inputs and blocks. */
  shape: Shape;
  /** Trained values first used here. */
  parameters: number;
  /** Floating-point operations of products and convolutions for the whole batch. */
  flops: number;
}

/** A model's size, in all and by data set and stage. */
export interface ModelReport {
  /** Trained values in all. A parameter that several data sets share counts once. */
  parameters: number;
  datasets: {
    modalities: readonly Modality[];
    /** Of one forward pass of the batch. */
    flops: number;
    stages: StageReport[];
  }[];
}

/** What of a model its size depends on, besides its inputs. */
export type InspectedModel = Pick<ModelDescription, 'system' | 'variant' | 'config' | 'classes' | 'task' | 'head'>;

/** The inputs that are class labels by their names: `label` and `…_label`. */
export function labelNames(modalities: readonly Modality[]): string[] {
  return modalities.map(({ name }) => name).filter((name) => /(^|_)label$/.test(name));
}

/** A named variant with some fields replaced. HiPClassBottleneck's labels are those of {@link labelNames}, unless told otherwise. */
export function describeVariant(
  system: string,
  variant: string,
  modalities: readonly Modality[],
  config: Record<string, unknown> = {},
): InspectedModel {
  const own = system === 'hip_class_bottleneck' ? { labelModalities: labelNames(modalities), ...config } : config;
  return { system, variant, config: configOf(systemByName(system), variant, own) };
}

/**
 * Builds the model's graph for one or several data sets (sets of modalities that run through the same model) and counts.
 * Takes milliseconds and no memory worth mentioning at any size. A model with classes is what gives them: encoder
 * and classifier, and the decoder where every element has a class.
 */
export function inspectModel(
  model: InspectedModel,
  datasets: readonly (readonly Modality[])[],
  { batchSize = 1 } = {},
): ModelReport {
  ensure(datasets.length > 0, () => 'A model can be inspected only for given inputs.');
  const scope = Scope.root();
  const reports = datasets.map((modalities) => {
    const description = { ...model, modalities: [...modalities] };
    const inputs = modelInputs(description, batchSize);
    const outputs: PerceiverOutputs & { logits?: Tensor } = !model.classes
      ? applyModel(description, scope, inputs)
      : model.task === 'segmentation'
        ? segment(description, scope, inputs)
        : classified(description, scope, inputs);
    const ends = stageEnds(outputs, scope.needs.taps.get('inputs'));
    if (outputs.logits) ends.push(['classifier', outputs.logits]);
    const stages = divide(ends, scope.needs);
    return { modalities, flops: stages.reduce((total, stage) => total + stage.flops, 0), stages };
  });
  return { parameters: countParameters(scope.needs), datasets: reports };
}

function stageEnds(
  { blocks, reconstruction, predictions = {} }: PerceiverOutputs,
  embedded: Tensor | undefined,
): [string, Tensor][] {
  return [
    ...(embedded ? [['inputs', embedded] as [string, Tensor]] : []),
    ...blocks.map((block, i): [string, Tensor] => [`block ${i}`, block]),
    ...Object.entries(reconstruction).map(([name, t]): [string, Tensor] => [`reconstruction ${name}`, t]),
    ...Object.entries(predictions).map(([name, t]): [string, Tensor] => [`prediction ${name}`, t]),
  ];
}

/**
 * Gives every node to the first stage that needs it. A parameter without effect (the bias of the keys in attention) is
 * needed by none, and goes where the one made before it goes.
 */
function divide(ends: readonly [string, Tensor][], { tensors }: Pick<ModelNeeds, 'tensors'>): StageReport[] {
  const stageOf = new Map<Node, number>();
  const stages = ends.map(([name, end], stage) => {
    let flops = 0;
    for (const node of topologicalOrder([end])) {
      if (stageOf.has(node)) continue;
      stageOf.set(node, stage);
      flops += node.operator.flops?.(node, node.attributes) ?? 0;
    }
    return { name, shape: end.shape, parameters: 0, flops };
  });
  let before = 0;
  for (const { node, size } of tensors.values()) {
    before = stageOf.get(node) ?? before;
    stages[before].parameters += size;
  }
  return stages;
}
