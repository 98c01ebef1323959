/** Video: a signal of frames x height x width pixels and, where it is asked for, its sound. */
import type { SoundOptions } from '../audio/index.js';
import { type ClipOptions, type ClipSoundOptions, checkClipOptions, readClip } from '../video/index.js';
import type { SignalKind } from './kind.js';
import {
  checkSoundForm,
  elementStatistics,
  readingStatistics,
  type SoundForm,
  soundShape,
  waveformOptions,
  writeSound,
} from './soundForm.js';

/** How videos are read; the sound in any of the forms that recordings have. */
export interface VideoReaderOptions extends ClipOptions {
  sound?: ClipSoundOptions & SoundForm;
}

export const video: SignalKind<VideoReaderOptions> = {
  parts: { video: /\.(mp4|m4v|webm|mov|avi|mkv|mpe?g|npz)$/i },
  noun: 'video',
  shapes: (options) => {
    const sound = soundOf(options);
    return [
      { name: 'video', indexShape: [options.frames, ...options.imageSize], channels: 3 },
      ...(sound ? [{ name: 'audio', ...soundShape(sound) }] : []),
    ];
  },
  partial: ({ sound }) => (sound ? ['audio'] : []),
  check(options) {
    checkClipOptions(waveformOf(options));
    const sound = soundOf(options);
    if (sound) checkSoundForm(sound);
  },
  plain: ({ frames, frameRate, imageSize, window, crop, start, mean, std, sound }) => ({
    ...{ frames, frameRate, imageSize, window, mean, std },
    crop: crop === 'none' ? 'none' : 'center',
    start: start === 'start' ? 'start' : 'center',
    flip: false,
    sound: sound && { ...sound, gain: undefined, timeMask: undefined, frequencyMask: undefined },
  }),
  windows: ({ start }) => ({ start }),
  statistics: (options) => {
    const sound = soundOf(options);
    return {
      video: { mean: [...options.mean], std: [...options.std] },
      ...(sound ? { audio: elementStatistics(sound) } : {}),
    };
  },
  withStatistics: (options, statistics) => ({
    ...options,
    ...statistics.video,
    sound: options.sound && { ...options.sound, ...readingStatistics(statistics.audio, options.sound) },
  }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no video');
    const {
      video: frames,
      audio: values,
      audioLength: length = 0,
    } = await readClip(parts.video, waveformOf(options), key);
    signals.video.set(frames);
    const sound = soundOf(options);
    if (!sound) return;
    const real = values ? writeSound({ values, length }, sound, key, signals.audio) : 0;
    if (length < sound.samples) lengths.audio = real;
  },
};

/** The sound of a clip as the options of a recording. */
function soundOf({ sound, frames, frameRate }: VideoReaderOptions): (SoundOptions & SoundForm) | undefined {
  return sound && { ...sound, samples: sound.samples ?? Math.round((frames / frameRate) * sound.rate) };
}

/** The options that clips are decoded with. */
function waveformOf(options: VideoReaderOptions): ClipOptions {
  const sound = soundOf(options);
  return sound ? { ...options, sound: waveformOptions(sound) } : options;
}
