/** The part of an exported graph that fills in what is masked. */
import { ensure } from '../errors/index.js';
import { constant, input, type Tensor } from '../graph/index.js';
import { indexDim, type RowSelection } from '../models/index.js';
import type { Scope } from '../nn/index.js';
import { type MaskPlan, planMasks } from '../objectives/index.js';
import { applyModel, type ModelDescription, type Recipe, systemOf } from '../training/index.js';

/** What was filled in, and how the graph is told what to fill in. */
export interface ExportedReconstruction {
  /** By modality `[B, I, C]`. */
  outputs: Record<string, Tensor>;
  /** How rows are chosen, by the name of the graph's input. */
  plans: Record<string, MaskPlan>;
  /** What a caller has to know, as text by key. */
  notes: Record<string, string>;
}

/**
 * The model with one mask for all examples, as further inputs: `visible`, or `mask`, for a model of one signal, else
 * `visible/NAME`. A modality that the masking hides altogether needs none.
 * @throws HiperceiverError where the system does not fill in single inputs
 */
export function exportReconstruction(
  description: ModelDescription,
  scope: Scope,
  signals: Record<string, Tensor>,
  masking: Recipe['masking'],
): ExportedReconstruction {
  const { modalities, system } = description;
  const { scheme } = masking;
  ensure(
    systemOf(description).masksElements && scheme !== 'blocks',
    () => `${system} fills in patches and not single inputs: export its features (--task features).`,
  );
  const grouping = systemOf(description).grouping(description.config, modalities);
  const [batchSize] = Object.values(signals)[0].shape;
  const selections: Record<string, RowSelection> = {};
  const seen = { ...signals };
  const plans: Record<string, MaskPlan> = {};
  const notes: Record<string, string> = {};
  const masks = { ...masking, scheme, perExample: false, dropModality: 0 };
  for (const plan of planMasks(grouping, masks, batchSize)) {
    const { name } = plan.part;
    const modality = modalities.find((own) => own.name === name)!;
    const own = (what: string, separator: string) => (modalities.length === 1 ? what : `${what}${separator}${name}`);
    const note = own('hidden', '.');
    if (plan.numVisible === 0) {
      selections[name] = { visible: 'none' };
      notes[note] = `${name}: all of it`;
    } else if (masking.input === 'drop') {
      const visible = own('visible', '/');
      plans[visible] = plan;
      selections[name] = { visible: input(visible, [1, plan.groups, plan.numVisible], 'i32') };
      notes[note] = `${visible}: int32, the ${plan.numVisible} rows of each group's ${plan.rows} that the model sees`;
    } else {
      const mask = own('mask', '/');
      const hidden = input(mask, [batchSize, ...modality.indexShape]).reshape([batchSize, indexDim(modality), 1]);
      seen[name] = signals[name].mul(constant([1], []).sub(hidden));
      notes[note] = `${mask}: float32 [batch, ${modality.indexShape}], 1 = hidden`;
    }
  }
  if (masking.normalizeTargets) notes.targets = 'normalised to mean 0 and variance 1 within each group';
  return { outputs: applyModel(description, scope, seen, { selections }).reconstruction, plans, notes };
}
