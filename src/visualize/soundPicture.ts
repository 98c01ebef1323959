/** Sound as a picture: the waveform above its spectrogram, one row for each sound, all on one axis of time. */
import { mixChannels, powerSpectrogram, type Sound } from '../data/audio/index.js';
import { ensure } from '../errors/index.js';
import { type Axis, makeAxis } from './axis.js';
import { categorical, sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import type { Point } from './linePoints.js';
import { imageFromMap, type RgbImage } from './picture.js';
import { Figure } from './svg.js';

/** One sound of the picture. */
export interface SoundRow {
  title: string;
  /** Several channels are shown as their mean. */
  sound: Sound;
  /** Stretches that a model did not see, from and to frames of the sound (the end not included): shaded. */
  hidden?: readonly (readonly [start: number, end: number])[];
}

/** What stands above the rows, and the size. */
export interface SoundPictureOptions {
  title?: string;
  subtitle?: string;
  width?: number;
}

const WAVEFORM_HEIGHT = 64;
const SPECTROGRAM_HEIGHT = 112;
/** Between the two, for the title above, and below the row. */
const [GAP, TITLE_HEIGHT, ROW_GAP] = [14, 24, 12];
/** Room for the frequencies at the left. */
const LABEL_WIDTH = 52;
/** Spectra for each pixel of the width: as many as a screen of double density shows. */
const COLUMNS_PER_PIXEL = 2;
/** Length of a spectrum's window in seconds: a voice's harmonics and its syllables are both told apart. */
const WINDOW = 0.032;
/** What lies so many decibels below the loudest spot of the picture looks like silence. */
const RANGE = 80;
/** Spectra averaged in a column at most, where a column is longer than a window. */
const MOST_AVERAGED = 8;
const SHADE = '#7d8590';
const WAVEFORM = { stroke: categorical[0], strokeWidth: 1 } as const;

/** A row with what is needed to draw it. */
interface Prepared extends SoundRow {
  /** `[frames]` */
  mono: Float32Array;
  /** Decibels below a full-scale sine, highest frequency first: `[bins, columns]`. */
  decibels: { values: Float32Array; bins: number; columns: number };
  /** Seconds. */
  duration: number;
}

/**
 * Rows of waveform and spectrogram: one sound, or input with the hidden stretches shaded, reconstruction and original.
 * All rows share the scales of time, amplitude and colour, so that they can be compared. NaN breaks the waveform and is
 * magenta in the spectrogram.
 */
export function soundPicture(
  rows: readonly SoundRow[],
  { title = '', subtitle = '', width = 760 }: SoundPictureOptions = {},
): Figure {
  ensure(rows.length > 0, () => 'A picture of sounds needs at least one: pass a row.');
  const [left, right] = [MARGIN + LABEL_WIDTH, width - MARGIN];
  const duration = Math.max(...rows.map(({ sound }) => sound.samples.length / sound.channels / sound.rate));
  const prepared = rows.map((row) => prepare(row, ((right - left) * COLUMNS_PER_PIXEL) / duration));
  const loudest = Math.max(...prepared.map(({ decibels }) => highest(decibels.values)));
  const top = Number.isFinite(loudest) ? 10 * Math.ceil(loudest / 10) : 0;
  const limit = Math.max(...prepared.map(({ mono }) => highest(mono.map(Math.abs))), 0) || 1;

  const rowHeight = TITLE_HEIGHT + WAVEFORM_HEIGHT + GAP + SPECTROGRAM_HEIGHT + ROW_GAP;
  const head = titlesHeight(width, title, subtitle) + (title || subtitle ? 14 : 0);
  const figure = new Figure(width, head + rows.length * rowHeight + 50, title || rows[0].title);
  drawTitles(figure, title, subtitle);
  const time = makeAxis(0, duration, { ticks: Math.round((right - left) / 90), nice: false });
  const px = (seconds: number): number => left + time.share(seconds) * (right - left);
  prepared.forEach((row, i) => {
    const y = head + i * rowHeight + TITLE_HEIGHT;
    figure.text(row.title, left, y - 7, { size: 12, weight: 'bold', maxWidth: right - left });
    drawWaveform(figure, row, limit, y, px);
    drawSpectrogram(figure, row, [top - RANGE, top], y + WAVEFORM_HEIGHT + GAP, px);
  });
  const bottom = head + rows.length * rowHeight - ROW_GAP;
  drawTimeAxis(figure, time, bottom, px);
  drawColorBar(figure, sequential, top - RANGE, top, left, bottom + 38, 420, 'Power in dB, 0 for a full-scale sine');
  return figure;
}

function prepare(row: SoundRow, columnsPerSecond: number): Prepared {
  const { sound, title } = row;
  const mono = mixChannels(sound, 1).samples;
  ensure(mono.length > 0 && sound.rate > 0, () => `The sound "${title}" is empty: leave its row out.`);
  const duration = mono.length / sound.rate;
  const columns = Math.max(1, Math.round(duration * columnsPerSecond));
  const size = 2 ** Math.max(5, Math.round(Math.log2(sound.rate * WINDOW)));
  const averaged = Math.min(MOST_AVERAGED, Math.ceil(mono.length / columns / (size / 2)));
  const step = mono.length / (columns * averaged);
  const centres = Float64Array.from({ length: columns * averaged }, (_, i) => (i + 0.5) * step);
  const { values: power, bins } = powerSpectrogram(mono, size, centres);
  const values = new Float32Array(bins * columns);
  for (let column = 0; column < columns; column++) {
    for (let bin = 0; bin < bins; bin++) {
      let sum = 0;
      for (let i = 0; i < averaged; i++) sum += power[(column * averaged + i) * bins + bin];
      values[(bins - 1 - bin) * columns + column] = 10 * Math.log10(sum / averaged);
    }
  }
  return { ...row, mono, duration, decibels: { values, bins, columns } };
}

type Scale = (value: number) => number;

function drawWaveform(figure: Figure, row: Prepared, limit: number, top: number, px: Scale): void {
  const middle = top + WAVEFORM_HEIGHT / 2;
  const [left, right] = [px(0), px(row.duration)];
  const axis = makeAxis(-limit, limit, { ticks: 5, nice: false });
  figure.rect(left, top, right - left, WAVEFORM_HEIGHT, { stroke: 'grid' });
  for (const tick of axis.ticks) {
    const y = middle - ((tick / limit) * WAVEFORM_HEIGHT) / 2;
    figure.line(left, y, right, y, { stroke: 'grid' });
    figure.text(axis.label(tick), left - 8, y, { size: 11, anchor: 'end', baseline: 'middle', color: 'muted' });
  }
  let run: Point[] = [];
  for (const [frame, value] of outline(row.mono, row.decibels.columns)) {
    if (Number.isFinite(value))
      run.push([px((frame + 0.5) / row.sound.rate), middle - ((value / limit) * WAVEFORM_HEIGHT) / 2]);
    else {
      figure.polyline(run, WAVEFORM);
      run = [];
    }
  }
  figure.polyline(run, WAVEFORM);
  shade(figure, row, top, WAVEFORM_HEIGHT, 0.4, px);
}

/** Frames and their values: all, or of each column the lowest and the highest; NaN where a column has no finite one. */
function outline(mono: Float32Array, columns: number): Point[] {
  const step = Math.max(1, Math.floor(mono.length / columns));
  const points: Point[] = [];
  for (let start = 0; start < mono.length; start += step) {
    let [low, high] = [-1, -1];
    for (let i = start; i < Math.min(mono.length, start + step); i++) {
      if (!Number.isFinite(mono[i])) continue;
      if (low < 0 || mono[i] < mono[low]) low = i;
      if (high < 0 || mono[i] > mono[high]) high = i;
    }
    if (low < 0) points.push([start, Number.NaN]);
    else for (const i of new Set([Math.min(low, high), Math.max(low, high)])) points.push([i, mono[i]]);
  }
  return points;
}

function drawSpectrogram(
  figure: Figure,
  row: Prepared,
  [low, high]: readonly [number, number],
  top: number,
  px: Scale,
): void {
  const { values, bins, columns } = row.decibels;
  const [left, right] = [px(0), px(row.duration)];
  const image: RgbImage = imageFromMap(values, [bins, columns], sequential, low, high);
  figure.image(image, left, top, right - left, SPECTROGRAM_HEIGHT);
  const axis = makeAxis(0, row.sound.rate / 2, { ticks: 4, nice: false });
  for (const tick of axis.ticks) {
    const y = top + SPECTROGRAM_HEIGHT * (1 - axis.share(tick));
    figure.line(left - 4, y, left, y, { stroke: 'faint' });
    const unit = tick === 0 ? ' Hz' : '';
    figure.text(axis.label(tick) + unit, left - 8, y, { size: 11, anchor: 'end', baseline: 'middle', color: 'muted' });
  }
  shade(figure, row, top, SPECTROGRAM_HEIGHT, 0.8, px);
}

/** Greys the hidden stretches. One path for all: many small neighbours then leave no seams. */
function shade(figure: Figure, row: Prepared, top: number, height: number, opacity: number, px: Scale): void {
  const stretches: [number, number][] = [];
  for (const [start, end] of [...(row.hidden ?? [])].sort((a, b) => a[0] - b[0])) {
    const [from, to] = [Math.max(0, start), Math.min(row.mono.length, end)];
    const last = stretches.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (to > from) stretches.push([from, to]);
  }
  const data = stretches
    .map(([from, to]) => {
      const [x1, x2] = [from, to].map((frame) => px(frame / row.sound.rate).toFixed(2));
      return `M${x1} ${top}H${x2}V${top + height}H${x1}Z`;
    })
    .join('');
  if (data) figure.path(data, { fill: SHADE, opacity });
}

function drawTimeAxis(figure: Figure, time: Axis, bottom: number, px: Scale): void {
  for (const tick of time.ticks) {
    figure.line(px(tick), bottom, px(tick), bottom + 4, { stroke: 'faint' });
    const unit = tick === 0 ? ' s' : '';
    figure.text(time.label(tick) + unit, px(tick), bottom + 18, { size: 11, anchor: 'middle', color: 'muted' });
  }
}

/** The largest finite number; minus infinity where there is none. */
function highest(values: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > most && value < Number.POSITIVE_INFINITY) most = value;
  return most;
}
