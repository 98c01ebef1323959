/** A model of ours under the names, and with the config.json, of the programs that others use for it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoredTensor, saveCheckpoint } from '../checkpoint/index.js';
import { ensure, unknownName } from '../errors/index.js';
import { sameShape } from '../graph/index.js';
import { type ForeignCheckpoint, type Form, type PublishedLayout, systemByName, toLayout } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { type ModelDescription, systemOf } from '../training/description.js';
import { type FormedModel, parametersOfForm } from './forms.js';
import { OWN_KEY } from './importModel.js';
import { checkParameters, type TrainedModel } from './loadModel.js';

/** What was written. */
export interface WeightsReport {
  files: string[];
  /** Whose classes read it. */
  of: string;
  form: Form;
  tensors: number;
  /** Numbers in all. */
  values: number;
}

/**
 * Writes a folder as the program with this layout has it: `model.safetensors`, `config.json` and, in Hugging Face's,
 * `preprocessor_config.json`. `hip import` makes the same model of it, to the bit.
 * @throws HiperceiverError where the system has no such layout, or the layout no place for a part of the model
 */
export async function exportWeights(model: TrainedModel, layout: string, out: string): Promise<WeightsReport> {
  const { description } = model;
  const published = layoutNamed(description, layout);
  const { form, specs } = formOf(model);
  const { config, modalities, classes, reader, system } = description;
  ensure(
    form !== 'segmentation' || published.segments,
    () =>
      `${model.path} names a class for every pixel, for which ${published.of} has no place: leave out --layout for an ONNX file.`,
  );
  checkParameters({ parameters: specs }, model.parameters, model.path);
  const theirs = toLayout(published.layout(config, form), specs.values(), model.parameters);
  const tensors = new Map<string, StoredTensor>(
    [...theirs].map(([name, { shape, data }]) => [name, { dtype: 'F32', shape: [...shape], data }]),
  );
  const fields = published.configOf(config, { form, classes, modalities });
  ensureReadable(
    published,
    { shapes: new Map([...theirs].map(([name, t]) => [name, t.shape])), config: fields },
    model,
    specs,
  );
  const own = { system, layout: published.name, form, config, modalities, classes, reader };
  await saveCheckpoint(out, {
    config: { ...fields, [OWN_KEY]: own },
    parameters: tensors,
  });
  const files = ['config.json', 'model.safetensors'].map((name) => join(out, name));
  if (published.name === 'hf' && reader && 'imageSize' in reader) {
    const file = join(out, 'preprocessor_config.json');
    await writeFile(file, `${JSON.stringify(preprocessorOf(reader), null, 2)}\n`);
    files.push(file);
  }
  const values = [...theirs.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { files, of: published.of, form, tensors: theirs.size, values };
}

/** Fields of a configuration without effect on what a trained model answers, or that follow from the input. */
const WITHOUT_EFFECT = new Set([
  'dropPath',
  'dropout',
  'layerScale',
  'classes',
  'positionGrid',
  'tableGrid',
  'headBias',
]);

/** Throws where the other program would make another model of what is written: one that its class cannot be. */
function ensureReadable(
  published: PublishedLayout,
  checkpoint: ForeignCheckpoint,
  { description: { config, system, modalities }, path }: TrainedModel,
  specs: ReadonlyMap<string, ParameterSpec>,
): void {
  if (Object.keys(checkpoint.config ?? {}).length === 0) return;
  const [{ indexShape }] = modalities;
  const [height, width] = indexShape.slice(-2);
  const read = published.read({ ...checkpoint, size: [height, width] });
  const other = Object.keys(read.config).filter(
    (key) => !WITHOUT_EFFECT.has(key) && JSON.stringify(read.config[key]) !== JSON.stringify(config[key]),
  );
  const again = parametersOfForm({
    system: systemByName(system),
    config: read.config,
    modalities: read.modalities,
    form: read.form,
    classes: read.classes?.length,
  });
  const shapes = [...specs.values()].filter(({ name, shape }) => !sameShape(again.get(name)?.shape ?? [], shape));
  ensure(
    other.length === 0 && shapes.length === 0,
    () =>
      `${path} is no model that ${published.of} can be (${[...other, ...shapes.map(({ name }) => name)].slice(0, 4).join(', ')}): choose another --layout.`,
  );
}

function layoutNamed(description: ModelDescription, name: string): PublishedLayout {
  const { published = [] } = systemOf(description);
  ensure(
    published.length > 0,
    () => `${description.system} keeps its reference's names already: its model.safetensors is what others read.`,
  );
  const found = published.find((layout) => layout.name === name);
  if (!found)
    throw unknownName(
      `layout of ${description.system}`,
      name,
      published.map((layout) => layout.name),
    );
  return found;
}

/** In which form the model is, by its description and, where it has no head, by whether its decoder is there. */
function formOf({ description, parameters, path }: TrainedModel) {
  const { classes, task, head, config, modalities } = description;
  ensure(
    !classes || task === 'segmentation' || head === 'own',
    () =>
      `${path} has a head (${head}) that no other program has: fine-tune with --finetune.head own to give the model away.`,
  );
  const model: Omit<FormedModel, 'form'> = {
    system: systemOf(description),
    config,
    modalities,
    classes: classes?.length,
  };
  const parametersOf = (form: Form) => ({ form, specs: parametersOfForm({ ...model, form }) });
  if (classes) return parametersOf(task === 'segmentation' ? 'segmentation' : 'classes');
  const [encoder, whole] = [parametersOf('encoder'), parametersOf('pretraining')];
  const isWhole = [...whole.specs.keys()].every((name) => parameters.has(name));
  return isWhole && whole.specs.size > encoder.specs.size ? whole : encoder;
}

/** Hugging Face's description of how pixels are brought to what the model takes. */
function preprocessorOf(reader: { imageSize: readonly number[]; mean: readonly number[]; std: readonly number[] }) {
  const [height, width] = reader.imageSize;
  return {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: reader.mean,
    image_std: reader.std,
  };
}
