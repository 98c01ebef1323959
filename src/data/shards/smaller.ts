/** Examples made as small as a recipe reads them, so that training waits for no decoder. */
import sharp, { type Sharp } from 'sharp';
import { ensure } from '../../errors/index.js';
import { decodeSound, formatWav, resampleSound } from '../audio/index.js';
import { decodeImage, imageHeader } from '../decode.js';
import type { KindName } from '../kinds/index.js';
import { decodeLabelMap, type LabelMap, type LabelMapOptions } from '../labelMaps/index.js';
import { formatNpy } from '../npy.js';
import type { RawImage } from '../source.js';
import { compactVideo } from '../video/index.js';

/** What is made smaller; what is left out stays as it is. */
export interface SmallerOptions {
  /** Of pictures, label maps and frames: the shorter side, which larger ones get, or height and width, which all get. */
  imageSize?: number | readonly [height: number, width: number];
  /** JPEG quality of pictures that are made smaller, 1 … 99; 100 takes PNG, without loss. Default 90. */
  quality?: number;
  /** Frames per second of videos. */
  frameRate?: number;
  /** Samples per second of sounds and of the sound of videos. */
  sampleRate?: number;
}

/** Encoded files of an example by extension, the signal first. */
export type Parts = Record<string, Uint8Array>;

type Shrink = (parts: Parts, options: SmallerOptions, maps: LabelMapOptions) => Promise<Parts>;

/** What each kind takes, and how it does it. */
const SHRINKING: Partial<Record<KindName, { takes: (keyof SmallerOptions)[]; shrink: Shrink }>> = {
  image: { takes: ['imageSize'], shrink: smallerImage },
  segmentation: { takes: ['imageSize'], shrink: smallerPair },
  audio: { takes: ['sampleRate'], shrink: smallerSound },
  video: { takes: ['imageSize', 'frameRate', 'sampleRate'], shrink: smallerVideo },
};

/** Checks options against a kind. @throws HiperceiverError naming the one that makes no sense */
export function checkSmaller(kind: KindName, path: string, options: SmallerOptions): void {
  const isCount = (value: number) => Number.isInteger(value) && value >= 1;
  const { imageSize, quality = 90, frameRate, sampleRate } = options;
  ensure(
    imageSize === undefined || [imageSize].flat().every(isCount),
    () => `imageSize is ${imageSize}: give a whole number of pixels, or height and width.`,
  );
  ensure(isCount(quality) && quality <= 100, () => `quality is ${quality}: give a whole number from 1 to 100.`);
  ensure(
    frameRate === undefined || (Number.isFinite(frameRate) && frameRate > 0),
    () => `frameRate is ${frameRate}: give frames per second above 0.`,
  );
  ensure(
    sampleRate === undefined || isCount(sampleRate),
    () => `sampleRate is ${sampleRate}: give samples per second as a whole number, such as 16000.`,
  );
  const takes = SHRINKING[kind]?.takes ?? [];
  for (const name of ['imageSize', 'frameRate', 'sampleRate'] as const)
    ensure(
      options[name] === undefined || takes.includes(name),
      () => `"${path}" holds ${kind}, of which ${name} makes nothing smaller: leave it out.`,
    );
}

/** Whether an option asks for anything of examples of this kind. */
export function asksForLess(kind: KindName, options: SmallerOptions): boolean {
  return (SHRINKING[kind]?.takes ?? []).some((name) => options[name] !== undefined);
}

/** The example made smaller. @throws Error with a short reason where it is damaged */
export async function smaller(
  kind: KindName,
  parts: Parts,
  options: SmallerOptions,
  maps: LabelMapOptions = {},
): Promise<Parts> {
  return SHRINKING[kind] ? SHRINKING[kind].shrink(parts, options, maps) : parts;
}

/** Height and width that a picture gets. */
function smallerSize(height: number, width: number, imageSize: SmallerOptions['imageSize']): readonly [number, number] {
  if (imageSize === undefined) return [height, width];
  if (typeof imageSize !== 'number') return imageSize;
  const scale = Math.min(1, imageSize / Math.min(height, width));
  return [Math.round(height * scale), Math.round(width * scale)];
}

async function smallerImage(parts: Parts, { imageSize, quality = 90 }: SmallerOptions): Promise<Parts> {
  const [[extension, bytes]] = Object.entries(parts);
  const header = await imageHeader(bytes);
  const size = smallerSize(header.height, header.width, imageSize);
  const whole = (height: number, width: number) => ({ top: 0, left: 0, height, width });
  if (size[0] === header.height && size[1] === header.width) {
    await decodeImage(bytes, CHECKED_SIZE, whole);
    return { [extension]: bytes };
  }
  const image = encodable(await decodeImage(bytes, size, whole));
  return quality === 100 ? { png: await image.png().toBuffer() } : { jpg: await image.jpeg({ quality }).toBuffer() };
}

/** To know that a picture can be read to its end it is decoded to this size: JPEG decodes small sizes in less time. */
const CHECKED_SIZE = [32, 32] as const;

async function smallerPair(parts: Parts, options: SmallerOptions, maps: LabelMapOptions): Promise<Parts> {
  const [[extension, bytes], [mapExtension, mapBytes]] = Object.entries(parts);
  const map = await decodeLabelMap(mapBytes, maps);
  const { height, width } = await imageHeader(bytes);
  ensure(
    height === map.height && width === map.width,
    () => `its label map has ${map.width}x${map.height} pixels where the image has ${width}x${height}`,
  );
  const [tall, wide] = smallerSize(height, width, options.imageSize);
  const image = await smallerImage({ [extension]: bytes }, options);
  if (tall === height && wide === width) return { ...image, [mapExtension]: mapBytes };
  const [name] = mapExtension.split('.');
  return { ...image, ...(await encodedMap(nearest(map, tall, wide), name)) };
}

/** A label map at another size; each pixel that of the nearest centre, as it is read under a view. */
function nearest(map: LabelMap, height: number, width: number): LabelMap {
  const ids = map.ids instanceof Uint8Array ? new Uint8Array(height * width) : new Uint16Array(height * width);
  for (let y = 0; y < height; y++) {
    const from = Math.floor(((y + 0.5) * map.height) / height) * map.width;
    for (let x = 0; x < width; x++) ids[y * width + x] = map.ids[from + Math.floor(((x + 0.5) * map.width) / width)];
  }
  return { ...map, height, width, ids };
}

/** Class numbers as a grey PNG, or npy where they need 16 bits. */
async function encodedMap({ ids, height, width }: LabelMap, name: string): Promise<Parts> {
  if (ids instanceof Uint16Array)
    return { [`${name}.npy`]: formatNpy({ shape: [height, width], data: Uint16Array.from(ids) }) };
  const png = await encodable({ height, width, channels: 1, data: ids }).png().toBuffer();
  return { [`${name}.png`]: png };
}

async function smallerSound(parts: Parts, { sampleRate }: SmallerOptions): Promise<Parts> {
  const [bytes] = Object.values(parts);
  const sound = await decodeSound(bytes);
  return { wav: formatWav(resampleSound(sound, sampleRate ?? sound.rate)) };
}

async function smallerVideo(parts: Parts, { imageSize, frameRate, sampleRate }: SmallerOptions): Promise<Parts> {
  const [bytes] = Object.values(parts);
  const size = (height: number, width: number) => smallerSize(height, width, imageSize);
  const small = await compactVideo(bytes, { size, frameRate, sampleRate });
  return small ? { npz: small } : parts;
}

/** Pixels ready to be encoded. */
export function encodable({ data, height, width, channels }: RawImage): Sharp {
  // A copy: native code does not take shared memory.
  const image = sharp(Uint8Array.from(data), { raw: { height, width, channels: channels as 1 | 2 | 3 | 4 } });
  return channels <= 2 ? image.toColourspace('b-w') : image;
}
