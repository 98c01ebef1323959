/** What a media file says about itself. */
import { checkPixels, LONGEST, MOST_CHANNELS, MOST_RATE } from './limits.js';
import { MediaFile } from './mediaFile.js';
import { type Orientation, orientationOf } from './orientation.js';

/** What is known of a file before it is decoded. */
export interface MediaHeader {
  /** Seconds: the moment at which the last picture goes, or where there are none, the sound ends. */
  duration: number;
  /** Pictures per second on average; 0 where there are no pictures. */
  frameRate: number;
  /** Height of the pictures as they are seen, the stored rotation and the shape of the pixels applied; 0 without pictures. */
  height: number;
  /** Width of the pictures as they are seen. */
  width: number;
  /** Degrees by which the stored pictures are turned clockwise to be seen, where not 0. */
  rotation?: 90 | 180 | 270;
  /** Frames of sound per second, where there is sound. */
  soundRate?: number;
  soundChannels?: number;
}

/**
 * The header of an encoded sound or video file.
 * @throws Error with a short reason where the file is damaged, holds neither sound nor pictures, or claims absurd sizes
 */
export async function mediaHeader(bytes: Uint8Array): Promise<MediaHeader> {
  const file = await MediaFile.open(bytes);
  try {
    return readHeader(file);
  } finally {
    file.close();
  }
}

/** The header of an open file, which is read to its end and started anew where it does not tell its length. */
export function readHeader(file: MediaFile): MediaHeader {
  const main = file.pictures ?? file.sound;
  if (!main) throw new Error('has neither sound nor pictures');
  const sound = soundHeader(file);
  const pictures = file.pictures ? picturesHeader(file) : { frameRate: 0, height: 0, width: 0 };
  let duration = main.end ?? file.duration;
  if (duration === undefined || !(duration >= 0 && duration <= LONGEST)) {
    duration = Math.min(LONGEST, file.countedEnd(main));
    file.restart();
  }
  return { duration, ...pictures, ...sound };
}

/** How the stored pictures of an open file are laid out to be seen. */
export function readOrientation(file: MediaFile): Orientation {
  if (!file.pictures) throw new Error('has no pictures');
  const { AV_PKT_DATA_DISPLAYMATRIX } = file.library;
  const { codecpar, sampleAspectRatio } = file.stream(file.pictures);
  const { num, den } = sampleAspectRatio.num > 0 ? sampleAspectRatio : codecpar.sampleAspectRatio;
  return orientationOf(
    codecpar.height,
    codecpar.width,
    num > 0 && den > 0 ? num / den : 1,
    codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX),
  );
}

function picturesHeader(file: MediaFile): Pick<MediaHeader, 'frameRate' | 'height' | 'width' | 'rotation'> {
  const orientation = readOrientation(file);
  const { height, width, rotation } = orientation;
  if (orientation.storedHeight < 1 || orientation.storedWidth < 1) throw new Error('its pictures have no size');
  checkPixels(width, height);
  const { avgFrameRate, rFrameRate } = file.stream(file.pictures as NonNullable<MediaFile['pictures']>);
  const { num, den } = avgFrameRate.num > 0 ? avgFrameRate : rFrameRate;
  const header = { frameRate: num > 0 && den > 0 ? num / den : 0, height, width };
  return rotation === 0 ? header : { ...header, rotation };
}

function soundHeader(file: MediaFile): Pick<MediaHeader, 'soundRate' | 'soundChannels'> {
  if (!file.sound) return {};
  const { channels, sampleRate } = file.stream(file.sound).codecpar;
  if (!(sampleRate > 0 && sampleRate <= MOST_RATE && channels > 0 && channels <= MOST_CHANNELS)) {
    // Pictures beside a sound that cannot be are still good.
    if (file.pictures) return {};
    throw new Error(`its sound of ${channels} channels at ${sampleRate} Hz cannot be read`);
  }
  return { soundRate: sampleRate, soundChannels: channels };
}
