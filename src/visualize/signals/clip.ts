/** Clips: strips of frames, and files to watch. */
import { writeClip } from '../../data/video/index.js';
import { heatOver } from '../attention.js';
import { clipFigure } from '../clipPicture.js';
import { ember } from '../color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from '../layout.js';
import { imageFromNormalized, type RgbImage } from '../picture.js';
import { Figure } from '../svg.js';
import { beside, enlarged, withoutHidden } from './pixels.js';
import {
  type Heading,
  pasted,
  type ShownAttention,
  type ShownExample,
  type ShownModality,
  type SignalPictures,
} from './signal.js';
import { stacked } from './stack.js';

/** Frames at a rate. */
export const clip: SignalPictures = {
  element: 'pixel',
  noun: 'video',
  count: 3,
  thumbnails: (modality, examples) =>
    examples.map(({ values }) => {
      const frames = framesOf(modality, values);
      const shown = spread(frames.length, 4).map((t) => frames[t]);
      return shown.length < 4 ? shown[0] : beside([beside(shown.slice(0, 2)), beside(shown.slice(2))], 'below');
    }),
  reconstructions: (modality, examples, heading) =>
    stacked(
      examples.map(({ values, mask, predicted, caption = '' }, i) =>
        clipFigure({
          ...modality,
          input: values,
          mask,
          reconstruction: predicted,
          shape: shapeOf(modality),
          frameRate: modality.rate,
          title: caption || `Video ${i + 1}`,
        }),
      ),
      heading,
    ),
  attention,
  async writeFiles(stem, modality, example) {
    const path = `${stem}.mp4`;
    const [seen, made, truth] = [example.values, pasted(modality, example), example.values].map((values) =>
      framesOf(modality, values),
    );
    const [{ height, width }] = truth;
    const factor = Math.max(1, Math.floor(LARGEST_SIDE / Math.max(height, width)));
    const frames = truth.map((frame, t) => {
      const hidden = example.mask.subarray(t * height * width, (t + 1) * height * width);
      return enlarged(beside([withoutHidden(seen[t], hidden), made[t], frame]), factor);
    });
    const [first] = frames;
    const bytes = new Uint8Array(frames.length * first.rgb.length);
    frames.forEach(({ rgb }, t) => bytes.set(rgb, t * rgb.length));
    await writeClip(
      path,
      { height: first.height, width: first.width, frames: bytes },
      { frameRate: modality.rate ?? 1 },
    );
    return [path];
  },
};

/** Small frames are enlarged up to this side, so that players show pixels and not a blur. */
const LARGEST_SIDE = 256;
const MOST_FRAMES = 8;

/** A strip of frames for each map, its attention as heat over them; all frames of a map in one scale. */
function attention(
  modality: ShownModality,
  example: ShownExample,
  { maps, captions }: ShownAttention,
  { title, subtitle }: Heading,
): Figure {
  const [frames, height, width] = shapeOf(modality);
  const pictures = framesOf(modality, example.values);
  const times = spread(frames, MOST_FRAMES);
  const rows: { caption: string; images: RgbImage[] }[] = [
    { caption: 'input', images: times.map((t) => pictures[t]) },
    ...maps.map((map, m) => ({
      caption: captions[m],
      images: times.map((t) =>
        heatOver(map.subarray(t * height * width, (t + 1) * height * width), [height, width], pictures[t], map),
      ),
    })),
  ];
  const [cell, gap, labels] = [Math.min(112, Math.max(64, width)), 4, 132];
  const cellHeight = Math.round((cell * height) / width);
  const left = MARGIN + labels;
  const figureWidth = Math.max(420, left + times.length * (cell + gap) + MARGIN);
  const top = titlesHeight(figureWidth, title, subtitle) + 34;
  const figure = new Figure(figureWidth, top + rows.length * (cellHeight + gap) + 36, title);
  drawTitles(figure, title, subtitle);
  times.forEach((t, column) => {
    const moment = modality.rate ? `${(t / modality.rate).toFixed(2)} s` : `frame ${t + 1}`;
    figure.text(moment, left + column * (cell + gap), top - 8, { size: 11, color: 'muted', maxWidth: cell });
  });
  rows.forEach(({ caption, images }, row) => {
    const y = top + row * (cellHeight + gap);
    figure.text(caption, left - 12, y + cellHeight / 2, {
      anchor: 'end',
      baseline: 'middle',
      color: 'muted',
      maxWidth: labels - 12,
    });
    images.forEach((image, column) => {
      figure.image(image, left + column * (cell + gap), y, cell, cellHeight);
    });
  });
  drawColorBar(figure, ember, 0, 1, left, figure.height - 24, 300, 'share of the map’s largest value');
  return figure;
}

function shapeOf({ indexShape: [frames, height, width], channels }: ShownModality): [number, number, number, number] {
  return [frames, height, width, channels];
}

function framesOf(modality: ShownModality, values: Float32Array): RgbImage[] {
  const [frames, height, width, channels] = shapeOf(modality);
  const size = height * width * channels;
  return Array.from({ length: frames }, (_, t) =>
    imageFromNormalized(values.subarray(t * size, (t + 1) * size), [height, width, channels], modality),
  );
}

/** Up to `most` of the frames, the first and the last among them. */
function spread(frames: number, most: number): number[] {
  const count = Math.min(frames, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * (frames - 1)) / Math.max(1, count - 1)));
}
