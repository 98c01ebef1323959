import { computed } from '../compute.js';
import { floats, resultsSchema } from '../json.js';
import type { Route } from '../route.js';

/** The encoder's features. */
export const embed: Route = {
  method: 'POST',
  path: '/v1/embed',
  summary: 'Features of inputs',
  description: 'The mean of the encoder’s last latents, as "hip embed" writes it; nothing is masked.',
  task: 'embed',
  responses: {
    200: {
      description: 'One embedding for each input, in their order.',
      types: { 'application/json': resultsSchema({ embedding: { type: 'array', items: { type: 'number' } } }) },
    },
  },
  async handle(call) {
    const { model } = call.house;
    const inputs = await call.inputs();
    const outputs = await computed(
      call,
      inputs.map((input) => model.embed(input)),
    );
    const results = outputs.map(({ features }, i) => ({ name: inputs[i].name, embedding: floats(features) }));
    return { body: { model: model.name, results } };
  },
};
