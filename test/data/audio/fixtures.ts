/** Sounds and WAV files made on the spot, in every encoding and with every lie. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sound } from '../../../src/data/audio/index.js';

const files = fileURLToPath(new URL('../../../../test/data/audio/files/', import.meta.url));

/** Two spoken digits of 8 kHz, 16 bits (see files/LICENCE.md). */
export const DIGITS = ['6_nicolas_9.wav', '9_theo_13.wav'].map((name) => readFileSync(join(files, name)));

/** A tone of amplitude 1; channel c has c + 1 times its frequency. */
export function tone(rate: number, frames: number, frequency: number, channels = 1): Sound {
  const samples = Float32Array.from({ length: frames * channels }, (_, i) =>
    Math.sin((2 * Math.PI * frequency * ((i % channels) + 1) * Math.floor(i / channels)) / rate),
  );
  return { rate, channels, samples };
}

export interface WavParts {
  rate?: number;
  channels?: number;
  bits: number;
  /** 1: integers, 3: floats. */
  tag?: number;
  extensible?: boolean;
  frameBytes?: number;
  /** What the header says in place of the truth. */
  statedLength?: number;
  before?: Buffer[];
  after?: Buffer[];
  big?: boolean;
  data: Uint8Array;
}

export function chunk(name: string, content: Uint8Array, stated = content.length, big = false, pad = true): Buffer {
  const head = Buffer.from(`${name}----`, 'latin1');
  big ? head.writeUInt32BE(stated, 4) : head.writeUInt32LE(stated, 4);
  return Buffer.concat([head, content, Buffer.alloc(pad ? content.length % 2 : 0)]);
}

/** A WAV file of its parts. */
export function wav(parts: WavParts): Buffer {
  const { rate = 8000, channels = 1, bits, tag = 1, extensible = false, big = false, data, before = [] } = parts;
  const frameBytes = parts.frameBytes ?? channels * Math.ceil(bits / 8);
  const format = Buffer.alloc(extensible ? 40 : 16);
  const set16 = (value: number, at: number) =>
    big ? format.writeUInt16BE(value, at) : format.writeUInt16LE(value, at);
  const set32 = (value: number, at: number) =>
    big ? format.writeUInt32BE(value, at) : format.writeUInt32LE(value, at);
  set16(extensible ? 0xfffe : tag, 0);
  set16(channels, 2);
  set32(rate, 4);
  set32(rate * frameBytes, 8);
  set16(frameBytes, 12);
  set16(bits, 14);
  if (extensible) {
    set16(22, 16);
    set16(bits, 18);
    set16(tag, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(format, 26);
  }
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    chunk('fmt ', format, format.length, big),
    ...before,
    chunk('data', data, parts.statedLength ?? data.length, big),
    ...(parts.after ?? []),
  ]);
  return Buffer.concat([chunk(big ? 'RIFX' : 'RIFF', Buffer.alloc(0), body.length, big), body]);
}

/** Integers of 1 to 4 bytes as they lie in a WAV file. */
export function integers(values: readonly number[], bytes: number, big = false): Buffer {
  const out = Buffer.alloc(values.length * bytes);
  values.forEach((value, i) => {
    if (bytes === 1) out.writeUInt8(value + 128, i);
    else if (big) out.writeIntBE(value, i * bytes, bytes);
    else out.writeIntLE(value, i * bytes, bytes);
  });
  return out;
}
