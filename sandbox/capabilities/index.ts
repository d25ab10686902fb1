import type { AnyCapability } from '../define-capability.ts';
import * as agent from './agent.ts';
import * as exec from './exec.ts';
import * as fsRead from './fs-read.ts';
import * as fsWrite from './fs-write.ts';
import { fetchUrl } from './net-fetch.ts';
import { readTransfer } from './net-transfer.ts';
import * as provider from './provider.ts';
import { randomBytes } from './random.ts';
import * as session from './session.ts';
import { readSettings } from './settings.ts';
import * as surface from './surface.ts';
import { callTool, register, spawn } from './tools.ts';
import * as ui from './ui.ts';
import * as wasm from './wasm.ts';

/** Every effect a guest can ask for. What is not in this list does not exist. */
const ALL = [
  fsRead.readFile,
  fsRead.statFile,
  fsRead.readDirectory,
  fsRead.access,
  fsRead.realPath,
  fsRead.watchPath,
  fsWrite.writeFile,
  fsWrite.makeDirectory,
  fsWrite.remove,
  fsWrite.move,
  fsWrite.copy,
  fsWrite.makeTemporaryDirectory,
  fsWrite.setTimes,
  fsWrite.setMode,
  fetchUrl,
  readTransfer,
  exec.run,
  exec.launch,
  exec.write,
  exec.signal,
  randomBytes,
  readSettings,
  ui.notify,
  ui.select,
  ui.confirm,
  ui.input,
  ui.editor,
  ui.setSurface,
  ui.editorText,
  provider.login,
  surface.openSurface,
  surface.drawFrame,
  surface.signalSurface,
  surface.scene,
  surface.namedTheme,
  surface.setTheme,
  surface.complete,
  surface.stale,
  session.query,
  session.appendEntry,
  session.sendMessage,
  session.sendUserMessage,
  session.setName,
  session.setLabel,
  session.control,
  agent.query,
  agent.flag,
  agent.setActiveTools,
  agent.setModel,
  agent.setThinkingLevel,
  agent.emit,
  agent.complete,
  provider.register,
  provider.unregister,
  callTool,
  register,
  spawn,
  wasm.use,
] as const;

// The broker reads parameters through each capability's own schema, so their static type is its own business.
export const CAPABILITIES: ReadonlyMap<string, AnyCapability> = new Map(ALL.map((capability) => [capability.name, capability as unknown as AnyCapability]));
