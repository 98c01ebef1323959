import { ensure, HiperceiverError, nearest, unknownName } from '../errors/index.js';
import { defaultRecipe, type PartialRecipe, type Recipe } from './recipe.js';
import { sectionRules, topRules } from './recipeRules.js';
import { parseField, type Rule } from './valueRules.js';

const sections = sectionRules as Record<string, Record<string, Rule>>;
const topKeys = Object.keys(topRules);
const dottedKeys = Object.entries(sections).flatMap(([section, rules]) =>
  Object.keys(rules).map((key) => `${section}.${key}`),
);
/** Values whose own keys may be set one by one: `masking.ratio.image`, `model.config.numGroups`. */
const openKeys = ['masking.ratio', 'model.config'];

type Values = Record<string, unknown>;

/**
 * The complete recipe: the defaults, changed by `partial`, changed by `overrides`. Neither argument is modified.
 *
 * @param partial what a recipe file states
 * @param overrides texts by dotted key, as typed on the command line: `{ 'training.steps': '200' }`. Lists are JSON or
 *   comma-separated, objects JSON; `masking.ratio.image` and `model.config.numGroups` set one field.
 * @throws HiperceiverError naming the key that is unknown (with the nearest one) or whose value makes no sense
 */
export function resolveRecipe(partial: PartialRecipe = {}, overrides: Record<string, string> = {}): Recipe {
  const recipe = structuredClone(defaultRecipe) as Values;
  for (const [key, value] of Object.entries(partial)) {
    if (value === undefined) continue;
    if (topKeys.includes(key)) recipe[key] = value;
    else mergeSection(recipe, key, value);
  }
  for (const [key, typed] of Object.entries(overrides)) applyOverride(recipe, key, typed);
  checkValues(recipe);
  const resolved = recipe as Recipe;
  checkTogether(resolved);
  return resolved;
}

function mergeSection(recipe: Values, section: string, values: unknown): void {
  if (!Object.hasOwn(sections, section)) throw unknownKey(section);
  ensure(typeof values === 'object' && values !== null && !Array.isArray(values), () => {
    return `The recipe's ${section} must be an object with keys such as ${Object.keys(sections[section])[0]}, got ${show(values)}.`;
  });
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(sections[section], key)) throw unknownKey(`${section}.${key}`);
    if (value !== undefined) (recipe[section] as Values)[key] = structuredClone(value);
  }
}

function applyOverride(recipe: Values, key: string, typed: string): void {
  if (topKeys.includes(key)) {
    recipe[key] = (topRules as Record<string, Rule>)[key].parse(typed);
    return;
  }
  const [section, name, ...inner] = key.split('.');
  if (Object.hasOwn(sections, section) && name === undefined) {
    const keys = Object.keys(sections[section]).map((key) => `${section}.${key}`);
    throw new HiperceiverError(`${section} is a section of the recipe: set one of its values, such as ${keys[0]}.`);
  }
  const open = openKeys.find((open) => key.startsWith(`${open}.`));
  if (!Object.hasOwn(sections, section) || !Object.hasOwn(sections[section], name) || (inner.length > 0 && !open)) {
    throw unknownKey(key);
  }
  const values = recipe[section] as Values;
  if (!open) {
    values[name] = sections[section][name].parse(typed);
    return;
  }
  const before = typeof values[name] === 'object' ? (values[name] as Values) : {};
  values[name] = { ...before, [inner.join('.')]: parseField(typed) };
}

function checkValues(recipe: Values): void {
  for (const [key, rule] of Object.entries(topRules)) checkValue(key, recipe[key], rule);
  for (const [section, rules] of Object.entries(sections)) {
    for (const [key, rule] of Object.entries(rules)) {
      checkValue(`${section}.${key}`, (recipe[section] as Values)[key], rule);
    }
  }
}

function checkValue(key: string, value: unknown, rule: Rule): void {
  if (rule.accepts(value)) return;
  const refusal = rule.refusal?.(value);
  throw new HiperceiverError(refusal ? `${key}: ${refusal}` : `${key} must be ${rule.expects}, got ${show(value)}.`);
}

/** What only several values together can violate. */
function checkTogether({ data, optimizer, training }: Recipe): void {
  ensure(training.precision === 'f32' || training.device === 'webgpu', () => {
    return `training.precision f16 needs --device webgpu, and the device is ${training.device}: use --precision f32.`;
  });
  ensure(data.mean.length === data.std.length, () => {
    return `data.mean has ${data.mean.length} values and data.std ${data.std.length}: give both per channel, or neither.`;
  });
  ensure(data.channels === 0 || data.mean.length === 0 || data.mean.length === data.channels, () => {
    return `data.mean has ${data.mean.length} values, but data.channels is ${data.channels}: give one per channel.`;
  });
  ensure(optimizer.minLearningRate <= optimizer.learningRate, () => {
    const { minLearningRate, learningRate } = optimizer;
    return `optimizer.minLearningRate ${minLearningRate} is above optimizer.learningRate ${learningRate}: lower it.`;
  });
}

/** An unknown key, with the nearest: the same name in another section first, then one that is spelled alike. */
function unknownKey(key: string): HiperceiverError {
  const [section, name] = key.split('.');
  if (name === undefined) return unknownName('recipe key', key, [...topKeys, ...Object.keys(sections)]);
  const sameName = dottedKeys.filter((dotted) => dotted.split('.')[1] === name);
  const inSection = dottedKeys.filter((dotted) => dotted.startsWith(`${section}.`));
  const near = sameName[0] ?? nearestName(name, inSection) ?? nearest(key, dottedKeys);
  const candidates = near !== undefined ? [near] : inSection.length > 0 ? inSection : Object.keys(sections);
  if (near === undefined) return unknownName('recipe key', key, candidates);
  return new HiperceiverError(`Unknown recipe key "${key}": did you mean "${near}"?`);
}

/** The dotted key whose last part is nearest to `name`. */
function nearestName(name: string, keys: string[]): string | undefined {
  const near = nearest(
    name,
    keys.map((key) => key.split('.')[1]),
  );
  return keys.find((key) => key.split('.')[1] === near);
}

function show(value: unknown): string {
  return typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
}
