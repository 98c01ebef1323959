/** Encoded sound files to samples. */
import type { Sound } from './sound.js';
import { decodeWav, isLinear } from './wav.js';
import { isWav, readWavHeader } from './wavHeader.js';

/**
 * Decodes a sound file by what it holds, not by its name: WAV here, everything else (FLAC, MP3, Ogg, M4A, AIFF, the
 * compressed kinds of WAV) through FFmpeg's libraries, which are loaded when the first such file comes.
 * @throws Error with a short reason where the file is damaged or holds no sound; HiperceiverError where the optional
 * decoder is needed and not installed
 */
export async function decodeSound(bytes: Uint8Array): Promise<Sound> {
  if (bytes.length === 0) throw new Error('file is empty');
  if (isWav(bytes) && isLinear(readWavHeader(bytes))) return decodeWav(bytes);
  const { decodeSoundTrack } = await import('../media/index.js');
  return decodeSoundTrack(bytes);
}
