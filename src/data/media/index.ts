/** Compressed sound and video through FFmpeg (optional package node-av), decoded from memory. */
export { type ClipRequest, decodeClip } from './clip.js';
export { type MediaHeader, mediaHeader } from './header.js';
export { decodeSoundTrack } from './soundTrack.js';
