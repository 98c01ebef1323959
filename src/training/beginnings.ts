/** What a run takes over from checkpoints before its first step: a model that it goes on from, a tokenizer that it learns from. */
import { loadCheckpoint, toFloat32 } from '../checkpoint/index.js';
import { ensure } from '../errors/index.js';
import { adaptParameters, systemByName } from '../models/index.js';
import { TOKENIZER } from '../objectives/index.js';
import { fromConfig, type ModelDescription } from './description.js';
import type { Recipe } from './recipe.js';

/** A model with the sizes of its tokenizer, and values that take the place of fresh ones. */
export interface Beginnings {
  description: ModelDescription;
  /** By parameter name. */
  values: ReadonlyMap<string, Float32Array>;
  /** What was done to them, one sentence each. */
  remarks: string[];
}

/**
 * What the recipe's `model.from` and `model.tokenizer` bring to a model that is to be pre-trained.
 * @throws HiperceiverError where a checkpoint is of another system
 */
export async function beginningsOf({ model }: Pick<Recipe, 'model'>, described: ModelDescription): Promise<Beginnings> {
  const { description, values: tokenizer } = await withTokenizer(model.tokenizer, described);
  if (!model.from) return { description, values: tokenizer, remarks: [] };
  const source = await sourceOf(model.from);
  ensure(
    source.description.system === description.system,
    () =>
      `${model.from} is a ${source.description.system}, and the recipe asks for a ${description.system}: set --model.name ${source.description.system}.`,
  );
  const { parameters, remarks } = adaptParameters(
    source.parameters,
    source.description.modalities,
    description.modalities,
    systemByName(description.system),
    source.description.config,
  );
  return { description, values: new Map([...parameters, ...tokenizer]), remarks };
}

/** Fresh values, with those that are brought along in their places. Throws where a model has none of them. */
export function begunWith(
  fresh: Map<string, Float32Array>,
  brought: ReadonlyMap<string, Float32Array>,
  where: string,
): Map<string, Float32Array> {
  let taken = 0;
  for (const [name, values] of brought) {
    if (fresh.get(name)?.length !== values.length) continue;
    fresh.set(name, values);
    taken++;
  }
  ensure(
    taken > 0,
    () => `${where} has no parameter in common with the model: ask for the model and variant that it was trained with.`,
  );
  return fresh;
}

/** The model with the sizes and values of the discrete auto-encoder whose tokens it predicts. */
async function withTokenizer(
  path: string,
  description: ModelDescription,
): Promise<Pick<Beginnings, 'description' | 'values'>> {
  if (!path) return { description, values: new Map() };
  const { description: tokenizer, parameters } = await sourceOf(path);
  ensure(
    tokenizer.system === 'dvae',
    () =>
      `${path} is a ${tokenizer.system}, and tokens come from a discrete auto-encoder: train one with --model.name dvae.`,
  );
  const config = { ...description.config, tokenizer: tokenizer.config, vocabulary: tokenizer.config.vocabulary };
  return {
    description: { ...description, config },
    values: new Map([...parameters].map(([name, values]) => [`${TOKENIZER}/${name}`, values])),
  };
}

async function sourceOf(path: string) {
  const { config, ema, parameters } = await loadCheckpoint(path, { parts: ['parameters', 'ema'] });
  return {
    description: fromConfig(config, path),
    parameters: new Map([...(ema ?? parameters)].map(([name, tensor]) => [name, toFloat32(tensor)])),
  };
}
