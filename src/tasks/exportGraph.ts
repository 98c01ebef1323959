/** The graph that an exported model consists of. */
import { ensure } from '../errors/index.js';
import { constant, Graph, input, type Tensor } from '../graph/index.js';
import { Scope } from '../nn/index.js';
import { type MaskPlan, planMasks } from '../objectives/index.js';
import {
  applyModel,
  defaultRecipe,
  imageInput,
  inputShapes,
  type ModelDescription,
  normalizationOf,
  type Recipe,
  systemOf,
} from '../training/index.js';
import { classify, features } from './classification.js';
import { segment } from './segmentation.js';

/** What an exported model gives. */
export type ExportTask = 'features' | 'classify' | 'segment' | 'reconstruct';

/** A graph without its weights. */
export interface ExportedGraph {
  graph: Graph;
  scope: Scope;
  task: ExportTask;
  /** What a caller has to know, as text by key. */
  metadata: Record<string, string>;
  /** How the masked inputs of `reconstruct` are chosen. */
  plan?: MaskPlan;
}

/** What is exported, and for which inputs. */
export interface ExportGraphOptions {
  /** Default: what a fine-tuned model was trained for, else `features`. */
  task?: ExportTask | 'auto';
  batchSize?: number;
  /** Whether the graph itself subtracts mean and divides by deviation: its input then is pixels of 0 … 1. */
  embedNormalization?: boolean;
  /** How the model was trained to see masked inputs; for `reconstruct`. */
  masking?: Recipe['masking'];
}

/**
 * Images go in as `[B, H, W, C]`. Out come `features` `[B, D]`; or `logits` and `probabilities` `[B, classes]` (tags each
 * have a probability of their own); or `logits` `[B, H, W, classes]` and `labels` `[B, H, W]` of a segmentation; or
 * `reconstruction` `[B, H, W, C]`, from the image and what of it is to be used: `visible` (i32, rows inside each group,
 * `[1, G or 1, K]`) where the model was trained on dropped inputs, else `mask` (`[B, H, W]`, 1 = hidden).
 */
export function exportGraph(description: ModelDescription, options: ExportGraphOptions = {}): ExportedGraph {
  const { batchSize = 1, embedNormalization = false, masking = defaultRecipe.masking } = options;
  const own = description.task === 'segmentation' ? 'segment' : description.classes ? 'classify' : 'features';
  const task = options.task === undefined || options.task === 'auto' ? own : options.task;
  ensure(
    task !== 'reconstruct' || !description.classes,
    () => 'A classifier has no decoder: export the pre-trained checkpoint to reconstruct.',
  );
  ensure(
    own !== 'segment' || task !== 'classify',
    () => 'The model gives a class to every pixel and none to the whole: export it with --task segment.',
  );
  const { name, height, width, channels } = imageInput(description);
  const shape = [batchSize, height, width, channels];
  const pixels = input(name, shape);
  const { mean, std } = normalizationOf(description, name);
  const perChannel = (values: readonly number[]) =>
    constant(values.length === 1 ? Array(channels).fill(values[0]) : values, [channels]);
  const normalized = embedNormalization ? pixels.sub(perChannel(mean)).div(perChannel(std)) : pixels;
  const inputs = { [name]: normalized.reshape(inputShapes(description, batchSize)[name]) };
  const scope = Scope.root();
  const metadata = {
    producer: 'hiperceiver',
    model: `${description.system}/${description.variant}`,
    task,
    input: `${name}: float32 [batch, height, width, channels] = [${shape}], ${embedNormalization ? 'pixels of 0 to 1' : 'pixels of 0 to 1, minus mean, divided by std'}`,
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    ...(description.classes ? { classes: JSON.stringify(description.classes) } : {}),
  };
  if (task === 'features') {
    return { graph: Graph.of({ features: features(description, scope, inputs) }), scope, task, metadata };
  }
  if (task === 'classify') {
    const logits = classify(description, scope, inputs);
    const probabilities = description.task === 'tagging' ? logits.sigmoid() : logits.softmax(-1);
    return { graph: Graph.of({ logits, probabilities }), scope, task, metadata };
  }
  if (task === 'segment') {
    const logits = segment(description, scope, inputs).logits.reshape([batchSize, height, width, -1]);
    const labels = logits.topK(1).indices.reshape([batchSize, height, width]);
    return { graph: Graph.of({ logits, labels }), scope, task, metadata };
  }
  const { reconstruction, plan } = reconstructed(description, scope, inputs, name, { ...masking, perExample: false });
  const image = reconstruction.reshape(shape);
  // Normalised targets have no way back without the answer: they stay as they are.
  const restored =
    embedNormalization && !masking.normalizeTargets ? image.mul(perChannel(std)).add(perChannel(mean)) : image;
  const notes = {
    hidden:
      masking.input === 'drop'
        ? `visible: int32, the ${plan.numVisible} rows of each group's ${plan.rows} that the model sees`
        : 'mask: float32 [batch, height, width], 1 = hidden',
    ...(masking.normalizeTargets ? { targets: 'normalised to mean 0 and variance 1 within each group' } : {}),
  };
  return { graph: Graph.of({ reconstruction: restored }), scope, task, metadata: { ...metadata, ...notes }, plan };
}

function reconstructed(
  description: ModelDescription,
  scope: Scope,
  inputs: Record<string, Tensor>,
  name: string,
  masking: Recipe['masking'],
): { reconstruction: Tensor; plan: MaskPlan } {
  const [batchSize, elements] = inputs[name].shape;
  const { scheme } = masking;
  ensure(
    systemOf(description).masksElements && scheme !== 'blocks',
    () => `${description.system} fills in patches and not single inputs: export its features (--task features).`,
  );
  const grouping = systemOf(description).grouping(description.config, description.modalities);
  const plan = planMasks(grouping, { ...masking, scheme }, batchSize).find(({ part }) => part.name === name)!;
  if (masking.input === 'drop') {
    const visible = input('visible', [1, plan.groups, plan.numVisible], 'i32');
    const outputs = applyModel(description, scope, inputs, { selections: { [name]: { visible } } });
    return { reconstruction: outputs.reconstruction[name], plan };
  }
  const { height, width } = imageInput(description);
  const hidden = input('mask', [batchSize, height, width]).reshape([batchSize, elements, 1]);
  const seen = { ...inputs, [name]: inputs[name].mul(constant([1], []).sub(hidden)) };
  return { reconstruction: applyModel(description, scope, seen).reconstruction[name], plan };
}
