/** Compressed sound: every container and codec gives the same tone back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Sound } from '../../../src/data/audio/sound.js';
import { decodeSoundTrack, mediaHeader } from '../../../src/data/media/index.js';
import { clipFile, greyClip, soundFile, strength, tone, VIDEO_TYPES } from './fixtures.js';

/** Container, encoder, sample format that the encoder takes, rate; and whether it is without loss. */
const FILES: readonly [string, string, string, number, boolean][] = [
  ['mp3', 'libmp3lame', 'fltp', 44100, false],
  ['mp3', 'libmp3lame', 's16p', 22050, false],
  ['flac', 'flac', 's16', 44100, true],
  ['flac', 'flac', 's32', 48000, true],
  ['ogg', 'libvorbis', 'fltp', 44100, false],
  ['ogg', 'libopus', 'flt', 48000, false],
  ['ogg', 'flac', 's16', 16000, true],
  ['ipod', 'aac', 'fltp', 44100, false],
  ['ipod', 'alac', 's16p', 44100, true],
  ['adts', 'aac', 'fltp', 16000, false],
  ['aiff', 'pcm_s16be', 's16', 44100, true],
  ['aiff', 'pcm_s24be', 's32', 44100, true],
  ['wav', 'pcm_u8', 'u8', 8000, true],
  ['wav', 'pcm_f32le', 'flt', 16000, true],
  ['wav', 'pcm_f64le', 'dbl', 16000, true],
  ['wav', 'adpcm_ms', 's16', 22050, false],
  ['matroska', 'pcm_s32le', 's32', 16000, true],
  ['caf', 'pcm_mulaw', 's16', 8000, false],
];

test('every codec gives rate, channels, length and samples back', async () => {
  for (const [container, encoder, format, rate, lossless] of FILES) {
    for (const channels of [1, 2]) {
      const name = `${container} ${encoder} ${format} ${channels}`;
      const sound = tone(0.5, rate, channels);
      const decoded = await decodeSoundTrack(await soundFile(container, encoder, format, sound));
      assert.equal(decoded.rate, rate, name);
      assert.equal(decoded.channels, channels, name);
      const frames = decoded.samples.length / channels;
      // Vorbis lacks half a block at the end, codecs with frames of fixed length fill their last one.
      assert.ok(frames >= 0.5 * rate - 256 && frames <= 0.5 * rate + 2400, `${name}: ${frames} frames`);
      for (let c = 0; c < channels; c++) {
        // LAME makes everything 5 % quieter.
        const heard = strength(middle(decoded), 440, c);
        assert.ok(Math.abs(heard - 0.5 / (c + 1)) < 0.03, `${name}, channel ${c}: amplitude ${heard}`);
      }
      if (lossless) {
        const step = format === 'u8' ? 1 / 127 : 2 ** -14;
        for (let i = 0; i < sound.samples.length; i++) {
          assert.ok(Math.abs(decoded.samples[i] - sound.samples[i]) <= step, `${name}: sample ${i}`);
        }
      }
    }
  }
});

test('six channels stay six', async () => {
  const { channels, samples } = await decodeSoundTrack(await soundFile('flac', 'flac', 's16', tone(0.1, 8000, 6)));
  assert.equal(channels, 6);
  assert.equal(samples.length, 800 * 6);
});

test('the sound of a video is read from every container', async () => {
  const sound = tone(1, 16000, 2);
  for (const type of VIDEO_TYPES) {
    const file = await clipFile(type, greyClip(10), { frameRate: 10, sound });
    const decoded = await decodeSoundTrack(file);
    assert.equal(decoded.rate, type === 'webm' ? 48000 : 16000, type);
    assert.ok(Math.abs(strength(middle(decoded), 440, 1) - 0.25) < 0.02, type);
    const header = await mediaHeader(file);
    assert.equal(header.soundChannels, 2, type);
    assert.equal(header.soundRate, decoded.rate, type);
  }
});

test('the header of a sound has a length and no picture', async () => {
  const header = await mediaHeader(await soundFile('flac', 'flac', 's16', tone(0.75, 8000)));
  assert.deepEqual(header, { duration: 0.75, frameRate: 0, height: 0, width: 0, soundRate: 8000, soundChannels: 1 });
});

test('what is no sound says so shortly', async () => {
  const silent = await clipFile('mp4', greyClip(4), { frameRate: 10 });
  await assert.rejects(decodeSoundTrack(silent), /^Error: has no sound track$/);
  await assert.rejects(decodeSoundTrack(new Uint8Array(0)), /^Error: file is empty$/);
  await assert.rejects(decodeSoundTrack(Buffer.from('Call me Ishmael.')), /^Error: cannot be opened as sound or video/);
});

test('play lists and texts that name other files are not followed', async () => {
  const lists = [
    '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
    "ffconcat version 1.0\nfile '/etc/passwd'\n",
    'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n',
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period></Period></MPD>',
  ];
  for (const list of lists) await assert.rejects(decodeSoundTrack(Buffer.from(list)), /cannot be opened/);
});

/** Without the ends, where codecs fade. */
function middle({ rate, channels, samples }: Sound): Sound {
  const [from, to] = [Math.round(0.15 * rate), Math.round(0.4 * rate)];
  return { rate, channels, samples: samples.subarray(from * channels, to * channels) };
}
