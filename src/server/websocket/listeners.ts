import type { UpgradeListener, UpgradeServer } from './types.js';

/** Bridges of every copy of this library know one another by it. Its value is the path that the bridge takes. */
const PATH = Symbol.for('transcription-client.bridge-path');

/** Marks the listener of a bridge. */
export function brandListener(path: string, listener: UpgradeListener): UpgradeListener {
  return Object.assign(listener, { [PATH]: path });
}

/** Whether an upgrade is nobody's: all that listen are bridges, and none takes its path. The first of them answers. */
export function mustRefuse(server: UpgradeServer, listener: UpgradeListener, path: string): boolean {
  const listeners = server.listeners('upgrade') as readonly { readonly [PATH]?: string }[];
  const isNobodys = listeners.every(({ [PATH]: taken }) => taken !== undefined && taken !== path);
  return isNobodys && listeners[0] === listener;
}
