/** Weights of another program as a checkpoint of one of our systems. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ForeignWeights,
  matchNames,
  matchRemarks,
  readJson,
  readMatched,
  saveCheckpoint,
} from '../checkpoint/index.js';
import { ensure } from '../errors/index.js';
import { type Modality, parseModelName } from '../models/index.js';
import { Scope } from '../nn/index.js';
import { describeVariant, importModel } from '../tasks/index.js';
import { applyModel, modelInputs, type Recipe, resolveRecipe, toConfig } from '../training/index.js';

/** Which model the weights are to become. */
interface Asked {
  /** As typed, such as `hip/16`. */
  system: string;
  modalities: readonly Modality[];
  /** Values of the recipe, `model.config.numGroups` among them, by dotted key. */
  overrides: Record<string, string>;
  /** The folder to write. */
  out: string;
}

/** What was written. */
interface ImportedAs {
  model: string;
  /** Parameters of the model that the weights hold, of how many. */
  taken: number;
  needed: number;
  remarks: string[];
}

/**
 * Writes a checkpoint folder of a model of ours whose parameters are those of the weights. Our systems keep their
 * parameters under their references' names, so that the names are the same on both sides.
 * @throws HiperceiverError that lists what is missing, has another shape or holds NaN; tensors that the model does not
 * know are left out and told
 */
export async function importAs(
  { path, weights }: { path: string; weights: ForeignWeights },
  { system: typed, modalities, overrides, out }: Asked,
): Promise<ImportedAs> {
  const { system, variant } = parseModelName(typed);
  const recipe = resolveRecipe({ model: { name: system as Recipe['model']['name'], variant } }, overrides);
  const { positions, positionInitScale, config } = recipe.model;
  const described = describeVariant(system, variant, modalities, { positions, positionInitScale, ...config });
  const description = { ...described, modalities: [...modalities] };
  const scope = Scope.root();
  applyModel(description, scope, modelInputs(description, 1));
  const expected = new Map([...scope.needs.parameters].map(([parameter, { shape }]) => [parameter, shape]));
  const match = matchNames(expected, weights.tensors);
  const amiss = matchRemarks({ ...match, unexpected: [] }).map((remark) => remark.replace(/\.$/, ''));
  ensure(
    amiss.length === 0,
    () =>
      `${path} does not hold a ${system}/${variant} for these inputs: ${amiss.join('; ')}; name others with --as and --input.`,
  );
  const values = await readMatched(match, weights.tensors, path);
  await ensureOurs(out);
  await saveCheckpoint(out, { config: toConfig(description, recipe), parameters: stored(values, expected) });
  return {
    model: `${system}/${variant}`,
    taken: match.taken.size,
    needed: expected.size,
    remarks: matchRemarks(match),
  };
}

/**
 * Writes a checkpoint folder of the model that the weights are found to be. Its recipe is what `hip finetune --from` begins
 * with.
 */
export async function importRecognised(
  { path, weights }: { path: string; weights: ForeignWeights },
  {
    system,
    modalities,
    overrides,
    out,
  }: Partial<Pick<Asked, 'system' | 'modalities'>> & Pick<Asked, 'overrides' | 'out'>,
): Promise<ImportedAs> {
  const typed = resolveRecipe({}, overrides);
  const imported = await importModel(path, weights, {
    system,
    modalities,
    config: typed.model.config,
    preprocessor: await preprocessorBeside(weights.files[0]),
  });
  const { description, parameters, shapes, taken, remarks, of } = imported;
  const { system: name, variant, config, reader } = description;
  const model = { name: name as Recipe['model']['name'], variant, config };
  const sides = reader && 'imageSize' in reader ? { imageSize: [...reader.imageSize] as [number, number] } : {};
  const recipe = resolveRecipe({ name, task: 'finetune', model, data: sides }, {});
  await ensureOurs(out);
  const expected = new Map([...shapes].map(([parameter, { shape }]) => [parameter, shape]));
  await saveCheckpoint(out, { config: toConfig(description, recipe), parameters: stored(parameters, expected) });
  return { model: `${name} (${of})`, taken, needed: shapes.size, remarks };
}

function stored(values: ReadonlyMap<string, Float32Array>, shapes: ReadonlyMap<string, readonly number[]>) {
  return new Map(
    [...values].map(([parameter, data]) => [
      parameter,
      { dtype: 'F32' as const, shape: [...(shapes.get(parameter) ?? [data.length])], data },
    ]),
  );
}

/** What Hugging Face's folders tell of the pixels. */
async function preprocessorBeside(file: string): Promise<Record<string, unknown> | undefined> {
  const path = join(dirname(file), 'preprocessor_config.json');
  return existsSync(path) ? readJson(path) : undefined;
}

/** A checkpoint takes the place of a whole folder, so of none that holds anything else. */
export async function ensureOurs(folder: string): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder).catch(() => [folder]) : [];
  const other = names.find((name) => !['config.json', 'model.safetensors', 'preprocessor_config.json'].includes(name));
  ensure(
    other === undefined,
    () => `${folder} holds ${other}, which a checkpoint would replace: choose another --out.`,
  );
}
