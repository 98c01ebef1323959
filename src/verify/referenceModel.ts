/** Runs a model of ours with a reference's weights, and compares what it gives under the reference's names. */
import { toFloat32 } from '../checkpoint/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { gradients, type Tensor, type Values } from '../graph/index.js';
import { fromLayout, type Layout, type LayoutTensor, storedAs, toLayout } from '../models/layouts/index.js';
import { countParameters, type ModelNeeds, PARAMETER } from '../nn/index.js';
import type { Comparison, Tolerance } from './comparison.js';
import { type GoldenCase, namesUnder } from './goldenCase.js';
import { type CaseInputs, runGraph } from './runGraph.js';

/** A model that was built for a case, with the layout of the case's weights. */
export interface ReferenceModel {
  needs: ModelNeeds;
  layout: Layout;
}

/** A case's weights and running statistics under our names. Throws where a tensor is missing, is not used, or has another shape. */
export function parametersOf(golden: GoldenCase, { needs, layout }: ReferenceModel): Map<string, Float32Array> {
  const tensors = new Map<string, LayoutTensor>(
    [...(golden.weights ?? [])].map(([name, t]) => [name, { shape: t.shape, data: toFloat32(t) }]),
  );
  const { values, missing, unexpected } = fromLayout(layout, needs.parameters.values(), tensors);
  const some = (names: string[]) => `${names.slice(0, 3).join(', ')} (${names.length} in all)`;
  ensure(missing.length === 0, () => `the weights lack ${some(missing)}`);
  ensure(unexpected.length === 0, () => `the model built has no place for ${some(unexpected)}`);
  return values;
}

/** Feeds of a graph whose parameters are inputs. */
export function parameterFeeds(values: ReadonlyMap<string, Values>): Record<string, Values> {
  return Object.fromEntries([...values].map(([name, v]) => [PARAMETER + name, v]));
}

/** Compares the number of parameters with the case's `paramCount`, where it has one. */
export function compareCount({ json }: GoldenCase, comparison: Comparison, { needs }: ReferenceModel): void {
  if (json.paramCount === undefined) return;
  comparison.expectValues('paramCount', countParameters(needs), [json.paramCount], { rtol: 0, atol: 0 });
}

/**
 * Computes those of the outputs, and of the loss's gradients, that the case expects, in one run, and compares them.
 * @param outputs by name without `output.`; `loss` is the one that is differentiated.
 */
export async function compareModel(
  golden: GoldenCase,
  comparison: Comparison,
  engine: Engine,
  model: ReferenceModel,
  inputs: CaseInputs,
  outputs: Record<string, Tensor>,
): Promise<void> {
  compareCount(golden, comparison, model);
  const feeds = { ...inputs.feeds, ...parameterFeeds(parametersOf(golden, model)) };
  const wanted = Object.fromEntries(
    Object.entries(outputs)
      .map(([name, tensor]) => [`output.${name}`, tensor] as const)
      .filter(([key]) => comparison.wants(key)),
  );
  const differentiated = outputs.loss ? gradientsOf(golden, model, outputs.loss) : {};
  const results = await runGraph(engine, { ...wanted, ...differentiated }, feeds);
  for (const [key, tensor] of Object.entries(wanted)) comparison.expect(key, results[key], { shape: tensor.shape });
  const values = new Map(
    Object.keys(differentiated).map((key) => [key.slice(OURS.length), results[key] as Float32Array]),
  );
  compareNamed(comparison, model, 'grad.', values);
}

const OURS = 'gradient/';

/** Gradients of the parameters whose gradients the case expects, by our names after `gradient/`. */
export function gradientsOf(
  golden: GoldenCase,
  { needs, layout }: ReferenceModel,
  loss: Tensor,
): Record<string, Tensor> {
  const expected = new Set(namesUnder(golden, 'grad.'));
  const asked = [...needs.parameters.values()].filter((p) => expected.has(storedAs(layout, p)?.name ?? ''));
  const grads = gradients(
    loss,
    asked.map(({ name }) => needs.tensors.get(name)!),
  );
  return Object.fromEntries(asked.map(({ name }, i) => [OURS + name, grads[i]]));
}

/** Compares tensors by our parameters' names with the case's tensors `<prefix><their name>`. */
export function compareNamed(
  comparison: Comparison,
  { needs, layout }: ReferenceModel,
  prefix: string,
  values: ReadonlyMap<string, Float32Array>,
  optionsOf: (name: string) => Tolerance & { except?: readonly (readonly [number, number])[] } = () => ({}),
): void {
  const parameters = [...needs.parameters.values()].filter(({ name }) => values.has(name));
  for (const [name, { shape, data }] of toLayout(layout, parameters, values)) {
    if (comparison.wants(prefix + name)) comparison.expect(prefix + name, data, { shape, ...optionsOf(name) });
  }
}
