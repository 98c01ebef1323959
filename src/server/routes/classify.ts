import { computed } from '../compute.js';
import { floats, resultsSchema } from '../json.js';
import type { Route } from '../route.js';

/** The classes of inputs. */
export const classify: Route = {
  method: 'POST',
  path: '/v1/classify',
  summary: 'Classes of inputs with their probabilities',
  task: 'classify',
  query: {
    top: { help: 'how many classes, the likeliest first', range: { least: 1, most: 1e4, whole: true }, default: 5 },
  },
  responses: {
    200: {
      description: 'The likeliest classes of each input, in the order of the inputs.',
      types: {
        'application/json': resultsSchema({
          classes: {
            type: 'array',
            items: {
              type: 'object',
              required: ['label', 'index', 'probability'],
              properties: {
                label: { type: 'string' },
                index: { type: 'integer' },
                probability: { type: 'number' },
              },
            },
          },
        }),
      },
    },
  },
  async handle(call) {
    const { model } = call.house;
    const inputs = await call.inputs();
    const outputs = await computed(
      call,
      inputs.map((input) => model.classify(input)),
    );
    const results = outputs.map(({ probabilities }, i) => ({
      name: inputs[i].name,
      classes: likeliest(probabilities, Number(call.query.top)).map((index) => ({
        label: model.classes?.[index] ?? String(index),
        index,
        probability: floats(probabilities.subarray(index, index + 1))[0],
      })),
    }));
    return { body: { model: model.name, results } };
  },
};

/** Indices of the largest values, largest first; the first of equals comes first. */
function likeliest(values: Float32Array, count: number): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
}
