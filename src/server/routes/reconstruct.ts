import { computed } from '../compute.js';
import { HttpError } from '../httpError.js';
import { resultsSchema } from '../json.js';
import { comparison, filledIn, maskedError, type Shown, visiblePart } from '../pictures.js';
import type { Route } from '../route.js';

/** Ratios are rounded to this: each is a program of its own where masked inputs are dropped. */
const RATIO_STEP = 0.05;
const PNG = { type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' };

/** What the model makes of masked images. */
export const reconstruct: Route = {
  method: 'POST',
  path: '/v1/reconstruct',
  summary: 'Masked images, filled in by the model',
  description:
    'A part of the pixels that the seed chooses is hidden from the model, which fills it in. Same image, ratio and seed, same answer.',
  task: 'reconstruct',
  query: {
    'mask-ratio': {
      help: `share of the pixels that is hidden, rounded to ${RATIO_STEP} (default: as in training)`,
      range: { least: 0.05, most: 0.95 },
    },
    seed: {
      help: 'chooses what is hidden',
      range: { least: 0, most: Number.MAX_SAFE_INTEGER, whole: true },
      default: 0,
    },
    format: {
      help: 'png: the image with the hidden pixels filled in (one input); figure: input, visible part, reconstruction and difference side by side, as PNG; json: pictures in base64, with the error',
      choices: ['png', 'figure', 'json'],
      default: 'png',
    },
  },
  responses: {
    200: {
      description:
        'The image, the figure, or a list in the order of the inputs. The error is the mean squared one over the hidden pixels, in units of the data’s variance.',
      types: {
        'image/png': { type: 'string', format: 'binary' },
        'application/json': resultsSchema({
          maskRatio: { type: 'number' },
          meanSquaredError: { type: 'number' },
          visible: PNG,
          reconstruction: PNG,
        }),
      },
    },
  },
  async handle(call) {
    const { model } = call.house;
    const { seed, format } = call.query;
    const asked = call.query['mask-ratio'] as number | undefined;
    const ratio = asked === undefined ? undefined : Math.round(asked / RATIO_STEP) / Math.round(1 / RATIO_STEP);
    const inputs = await call.inputs();
    if (format === 'png' && inputs.length > 1) {
      throw new HttpError(400, 'bad_query', 'One PNG shows one input: ask for format=figure or format=json.');
    }
    const works = inputs.map((input) => model.reconstruct(input, ratio, Number(seed)));
    const outputs = await computed(call, works);
    const modality = model.modalities[0].name;
    const shown = works.map(({ mask }, i): Shown => {
      const { name, signals } = inputs[i];
      return { name, mask, signal: signals[modality], predicted: outputs[i].reconstruction };
    });
    if (format === 'png') return { body: await filledIn(model, shown[0]), type: 'image/png' };
    if (format === 'figure') return { body: await comparison(model, shown), type: 'image/png' };
    const results = shown.map(async (one, i) => ({
      name: one.name,
      maskRatio: Number(works[i].maskRatio.toPrecision(6)),
      meanSquaredError: Number(maskedError(one).toPrecision(6)),
      visible: (await visiblePart(model, one)).toString('base64'),
      reconstruction: (await filledIn(model, one)).toString('base64'),
    }));
    return { body: { model: model.name, results: await Promise.all(results) } };
  },
};
