import { computed } from '../compute.js';
import { HttpError } from '../httpError.js';
import { resultsSchema } from '../json.js';
import {
  comparison,
  filledIn,
  filledInSound,
  maskedError,
  type Shown,
  signalPictures,
  visiblePart,
} from '../pictures.js';
import type { Route } from '../route.js';

/** Ratios are rounded to this: each is a program of its own where masked inputs are dropped. */
const RATIO_STEP = 0.05;
const PNG = { type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' };

/** What the model makes of masked inputs. */
export const reconstruct: Route = {
  method: 'POST',
  path: '/v1/reconstruct',
  summary: 'Masked inputs, filled in by the model',
  description:
    'A part of the input that the seed chooses is hidden from the model, which fills it in. Same input, ratio and seed, same answer.',
  task: 'reconstruct',
  query: {
    'mask-ratio': {
      help: `share of each signal that is hidden, rounded to ${RATIO_STEP} (default: as in training)`,
      range: { least: 0.05, most: 0.95 },
    },
    seed: {
      help: 'chooses what is hidden',
      range: { least: 0, most: Number.MAX_SAFE_INTEGER, whole: true },
      default: 0,
    },
    format: {
      help: 'png: a picture of the input with the hidden part filled in (one input); figure: what was seen, made and hidden, as PNG; wav: a sound, filled in (one input); json: pictures in base64, with the errors',
      choices: ['png', 'figure', 'wav', 'json'],
      default: 'png',
    },
    signal: {
      help: 'which signal of a model of several is shown (default: its first)',
      choices: ['image', 'audio', 'video', 'points', 'bands'],
    },
  },
  responses: {
    200: {
      description:
        'The picture, the sound, or a list in the order of the inputs. Errors are mean squared ones over what was hidden, in units of the data’s variance; visible is there for images and rasters.',
      types: {
        'image/png': { type: 'string', format: 'binary' },
        'audio/wav': { type: 'string', format: 'binary' },
        'application/json': resultsSchema({
          maskRatio: { type: 'number' },
          meanSquaredError: { type: 'number' },
          errors: { type: 'object', additionalProperties: { type: 'number' } },
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
    if ((format === 'png' || format === 'wav') && inputs.length > 1) {
      const one = format === 'png' ? 'One PNG shows' : 'One WAV holds';
      throw new HttpError(400, 'bad_query', `${one} one input: ask for format=figure or format=json.`);
    }
    const pictures = signalPictures(model, call.query.signal as string | undefined);
    if (!pictures) {
      const names = model.modalities.map(({ name }) => name).join(', ');
      throw new HttpError(400, 'bad_query', `The model has no signal "${call.query.signal}": it has ${names}.`);
    }
    const works = inputs.map((input) => model.reconstruct(input, ratio, Number(seed)));
    const outputs = await computed(call, works);
    const shownOf = (i: number, name: string): Shown => ({
      name: inputs[i].name,
      mask: works[i].masks[name],
      signal: outputs[i][`wanted/${name}`] ?? inputs[i].signals[name],
      predicted: outputs[i][`filled/${name}`],
      length: inputs[i].lengths[name] ?? works[i].masks[name].length,
    });
    const { name } = pictures.modality;
    const { reader } = model;
    const shown = inputs.map((_, i) => shownOf(i, name));
    if (format === 'png') return { body: await filledIn(pictures, reader, shown[0]), type: 'image/png' };
    if (format === 'figure') return { body: await comparison(pictures, reader, shown), type: 'image/png' };
    if (format === 'wav') {
      const sound = filledInSound(pictures, reader, shown[0]);
      if (!sound)
        throw new HttpError(400, 'bad_query', `"${name}" is no waveform: ask for format=figure or format=json.`);
      return { body: sound, type: 'audio/wav' };
    }
    const results = shown.map(async (one, i) => ({
      name: one.name,
      maskRatio: rounded(one.mask.reduce((a, b) => a + b, 0) / one.mask.length),
      meanSquaredError: rounded(maskedError(one)),
      ...(model.modalities.length > 1
        ? {
            errors: Object.fromEntries(
              Object.keys(works[i].masks).map((n) => [n, rounded(maskedError(shownOf(i, n)))]),
            ),
          }
        : {}),
      visible: (await visiblePart(pictures, reader, one))?.toString('base64'),
      reconstruction: (await filledIn(pictures, reader, one)).toString('base64'),
    }));
    return { body: { model: model.name, results: await Promise.all(results) } };
  },
};

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
