/** How files are read for a model that others trained: as its `preprocessor_config.json` says, else as is usual for its kind. */
import type { Reader } from '../data/index.js';
import type { Form, Modality, PublishedModel } from '../models/index.js';

interface About {
  form: Form;
  statistics: PublishedModel['statistics'];
  classes?: number;
  preprocessor?: Record<string, unknown>;
}

/** The reader; undefined for inputs that no kind of file has. */
export function publishedReader(modalities: readonly Modality[], about: About): Reader | undefined {
  const [{ indexShape, channels }] = modalities;
  const [height, width] = indexShape.slice(-2);
  const { mean, std } = statisticsFor(channels, about);
  const view = { imageSize: [height, width] as const, flip: false, mean, std };
  // Hugging Face's processors stretch the whole image unless they are told to cut.
  const isCut = about.preprocessor ? about.preprocessor.do_center_crop === true : true;
  const crop = isCut ? ('center' as const) : ('none' as const);
  if (indexShape.length === 3)
    return { kind: 'video', frames: indexShape[0], frameRate: 1, crop: 'center', start: 'center', ...view } as Reader;
  if (channels !== 1 && channels !== 3) return { kind: 'bands', bands: channels, crop: 'none', ...view } as Reader;
  if (about.form === 'segmentation')
    return { kind: 'segmentation', channels, crop: 'none', ...view, classes: about.classes } as Reader;
  return { kind: 'image', channels, crop, ...view } as Reader;
}

/** What pixels of 0 to 1 are brought to: one number for every channel where their number differs. */
function statisticsFor(channels: number, { statistics, preprocessor }: About): { mean: number[]; std: number[] } {
  const given = (key: string, otherwise: readonly number[]) => {
    const value = preprocessor?.[key];
    const list = Array.isArray(value) && value.every((v) => typeof v === 'number') ? (value as number[]) : otherwise;
    return list.length === channels
      ? [...list]
      : new Array<number>(channels).fill(list.reduce((sum, v) => sum + v, 0) / list.length);
  };
  return { mean: given('image_mean', statistics.mean), std: given('image_std', statistics.std) };
}
