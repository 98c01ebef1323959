/** Point clouds. */
import { galleryFigure } from '../gallery.js';
import { percentile, type RgbImage } from '../picture.js';
import { pointReconstructionFigure } from '../pointCloud.js';
import { colorRange, type PointCloud, renderPoints, sceneOf } from '../pointRender.js';
import { inUnits, joined, type ShownExample, type ShownModality, type SignalPictures } from './signal.js';

const SIZE = 240;
/** The channel that colours show: z, the height. */
const HEIGHT = 2;

/** Points, x, y and z first. */
export const cloud: SignalPictures = {
  element: 'point',
  noun: 'point cloud',
  count: 6,
  thumbnails: (modality, examples) => {
    const clouds = examples.map((example) => cloudOf(modality, example));
    const scene = sceneOf(clouds[0]);
    const range = colorRange(clouds[0], HEIGHT);
    return clouds.map((own) => renderPoints([{ ...own, color: HEIGHT, range }], scene, { size: SIZE }));
  },
  reconstructions: (modality, examples, heading) => {
    const [points] = modality.indexShape;
    const whole = (values: Float32Array) => inUnits(modality, values, points);
    return pointReconstructionFigure({
      ...heading,
      input: joined(examples.map(({ values }) => whole(values))),
      reconstruction: joined(examples.map(({ predicted }) => whole(predicted))),
      mask: joined(examples.map(({ mask }) => mask)),
      lengths: examples.map(({ length }) => length),
      shape: [points, modality.channels],
      captions: examples.map(({ caption = '' }) => caption),
      maxSamples: examples.length,
    });
  },
  attention: (modality, example, { maps, captions }, heading) => {
    const own = cloudOf(modality, example);
    const scene = sceneOf(own);
    const drawn = maps.map((map, m) => {
      const shares = map.subarray(0, example.length);
      const points = Float32Array.from({ length: 4 * shares.length }, (_, i) =>
        i % 4 === 3 ? shares[i >> 2] : own.points[(i >> 2) * own.channels + (i % 4)],
      );
      const range = [0, percentile(shares, 0.998) || 1] as const;
      return {
        image: renderPoints([{ points, channels: 4, color: 3, range }], scene, { size: SIZE }),
        caption: captions[m],
      };
    });
    const [input]: RgbImage[] = cloud.thumbnails(modality, [example]);
    return galleryFigure({
      title: heading.title,
      subtitle: `${heading.subtitle}; the brighter a point, the more of it`,
      items: [{ image: input, caption: 'input, by height' }, ...drawn],
      columns: Math.min(4, drawn.length + 1),
      cellSize: 176,
    });
  },
};

function cloudOf(modality: ShownModality, { values, length }: ShownExample): PointCloud {
  return { points: inUnits(modality, values, length), channels: modality.channels };
}
