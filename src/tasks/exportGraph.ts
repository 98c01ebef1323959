/** The graph that an exported model consists of. */
import { ensure } from '../errors/index.js';
import { Graph } from '../graph/index.js';
import { Scope } from '../nn/index.js';
import type { MaskPlan } from '../objectives/index.js';
import { defaultRecipe, type ModelDescription, type Recipe } from '../training/index.js';
import { classify, features } from './classification.js';
import { exportInputs, exportShape } from './exportInputs.js';
import { exportReconstruction } from './exportReconstruction.js';
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
  /** How the masked inputs of `reconstruct` are chosen, by the name of the graph's input. */
  plans?: Record<string, MaskPlan>;
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
 * Signals go in by name with their own axes, images as `[B, H, W, C]`, and `valid/NAME` where some may be short or missing.
 * Out come `features` `[B, D]`; or `logits` and `probabilities` `[B, classes]` (tags each have a probability of their own);
 * or `logits` `[B, H, W, classes]` and `labels` `[B, H, W]` of a segmentation; or `reconstruction`, shaped as the signal,
 * from the signal and what of it is to be used: `visible` (i32, rows inside each group, `[1, G or 1, K]`) where the model
 * was trained on dropped inputs, else `mask` (shaped as the signal without channels, 1 = hidden). Of several signals each
 * has its own: `visible/audio`, `reconstruction/audio`.
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
  const { signals, restore, metadata: told } = exportInputs(description, batchSize, embedNormalization);
  const scope = Scope.root();
  const metadata = {
    producer: 'hiperceiver',
    model: `${description.system}/${description.variant}`,
    task,
    ...told,
    ...(description.classes ? { classes: JSON.stringify(description.classes) } : {}),
  };
  if (task === 'features') {
    return { graph: Graph.of({ features: features(description, scope, signals) }), scope, task, metadata };
  }
  if (task === 'classify') {
    const logits = classify(description, scope, signals);
    const probabilities = description.task === 'tagging' ? logits.sigmoid() : logits.softmax(-1);
    return { graph: Graph.of({ logits, probabilities }), scope, task, metadata };
  }
  if (task === 'segment') {
    const [{ indexShape }] = description.modalities;
    const { logits: perElement } = segment(description, scope, signals);
    const logits = perElement.reshape([batchSize, ...indexShape, -1]);
    const labels = logits.topK(1).indices.reshape([batchSize, ...indexShape]);
    return { graph: Graph.of({ logits, labels }), scope, task, metadata };
  }
  const { outputs, plans, notes } = exportReconstruction(description, scope, signals, masking);
  // Normalised targets have no way back without the answer: they stay as they are.
  const restored = Object.entries(outputs).map(([name, filled]) => {
    const modality = description.modalities.find((own) => own.name === name)!;
    const values = filled.reshape(exportShape(modality, batchSize));
    const output = description.modalities.length === 1 ? 'reconstruction' : `reconstruction/${name}`;
    return [output, masking.normalizeTargets ? values : restore(name, values)] as const;
  });
  return {
    graph: Graph.of(Object.fromEntries(restored)),
    scope,
    task,
    metadata: { ...metadata, ...notes },
    plans,
  };
}
