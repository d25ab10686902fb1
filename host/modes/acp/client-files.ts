import { type AgentContext, type ClientCapabilities, methods, type ReadTextFileRequest, RequestError, type SendRequestOptions } from '@agentclientprotocol/sdk';
import type { OpenFiles } from '../../tools/open-files.ts';

/** The session whose client is asked, once there is one. */
interface Owner {
  readonly id: string;
  clientPath(path: string): string;
}

export interface ClientFiles extends OpenFiles {
  belongTo(owner: Owner): void;
}

/**
 * Files by way of a client, as far as it offers to read and write them. What may be read or written was decided before, by
 * the real path: the client is a place, not an authority.
 */
export function createClientFiles(client: AgentContext, { fs }: ClientCapabilities): ClientFiles {
  let owner: Owner | undefined;
  return {
    belongTo(session) {
      owner = session;
    },
    async read(file, signal) {
      if (fs?.readTextFile !== true || owner === undefined) return undefined;
      try {
        const request: ReadTextFileRequest = { sessionId: owner.id, path: owner.clientPath(file) };
        const { content } = await client.request(methods.client.fs.readTextFile, request, options(signal));
        return content;
      } catch (error) {
        // not there, or no text: the disk has the last word
        if (error instanceof RequestError && signal?.aborted !== true) return undefined;
        throw error;
      }
    },
    async write(file, content, signal) {
      if (fs?.writeTextFile !== true || owner === undefined) return false;
      await client.request(methods.client.fs.writeTextFile, { sessionId: owner.id, path: owner.clientPath(file), content }, options(signal));
      return true;
    },
  };
}

function options(signal: AbortSignal | undefined): SendRequestOptions {
  return signal === undefined ? {} : { cancellationSignal: signal, stopWaitingOnCancel: true };
}
