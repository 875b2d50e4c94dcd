import { type EventEmitter, once } from 'node:events';
import * as grpc from '@grpc/grpc-js';

/** The service that the tests call; messages are texts. */
const text = {
  requestSerialize: (message: string): Buffer => Buffer.from(message),
  requestDeserialize: (bytes: Buffer): string => bytes.toString(),
  responseSerialize: (message: string): Buffer => Buffer.from(message),
  responseDeserialize: (bytes: Buffer): string => bytes.toString(),
};

const service = {
  unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...text },
  upload: { path: '/test.Echo/Upload', requestStream: true, responseStream: false, ...text },
  download: { path: '/test.Echo/Download', requestStream: false, responseStream: true, ...text },
  talk: { path: '/test.Echo/Talk', requestStream: true, responseStream: true, ...text },
} satisfies grpc.ServiceDefinition;

export interface EchoClient extends grpc.Client {
  unary(
    message: string,
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    callback: grpc.requestCallback<string>,
  ): grpc.ClientUnaryCall;
  upload(metadata: grpc.Metadata, callback: grpc.requestCallback<string>): grpc.ClientWritableStream<string>;
  download(message: string, metadata: grpc.Metadata): grpc.ClientReadableStream<string>;
  talk(metadata: grpc.Metadata): grpc.ClientDuplexStream<string, string>;
}

const EchoConstructor = grpc.makeGenericClientConstructor(service, 'Echo');

export function echoClient(port: number): EchoClient {
  return new EchoConstructor(`127.0.0.1:${port}`, grpc.credentials.createInsecure()) as unknown as EchoClient;
}

/** A server of gRPC that sends back what it gets. `refuse` is answered with a status, and `wait` never. */
export class EchoServer {
  readonly #server = new grpc.Server();
  port = 0;
  /** Deadlines and cancellations that it has seen. */
  deadlines: grpc.Deadline[] = [];
  cancelled = 0;
  calls = 0;

  static async start(): Promise<EchoServer> {
    const echo = new EchoServer();
    echo.#server.addService(service, echo.#handlers());
    echo.port = await new Promise<number>((done, fail) =>
      echo.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error === null ? done(port) : fail(error),
      ),
    );
    return echo;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      unary: (call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) => {
        this.#note(call);
        if (call.request === 'wait') return;
        if (call.request === 'refuse') callback({ code: grpc.status.NOT_FOUND, details: 'no such thing' });
        else {
          const trailers = new grpc.Metadata();
          trailers.set('x-trailer', 'behind');
          callback(null, `${call.request}!`, trailers);
        }
      },
      upload: async (
        call: grpc.ServerReadableStream<string, string>,
        callback: grpc.sendUnaryData<string>,
      ) => {
        this.#note(call);
        const all: string[] = [];
        call.on('data', (message: string) => all.push(message));
        await once(call, 'end');
        callback(null, all.join('+'));
      },
      download: (call: grpc.ServerWritableStream<string, string>) => {
        this.#note(call);
        if (call.request === 'wait') {
          call.write('first');
          return;
        }
        for (let count = 0; count < Number(call.request); count += 1) call.write(`message ${count}`);
        call.end();
      },
      talk: (call: grpc.ServerDuplexStream<string, string>) => {
        this.#note(call);
        call.on('data', (message: string) => call.write(message.toUpperCase()));
        call.on('end', () => call.end());
      },
    };
  }

  #note(call: EventEmitter & { getDeadline(): grpc.Deadline }): void {
    this.calls += 1;
    this.deadlines.push(call.getDeadline());
    call.on('cancelled', () => {
      this.cancelled += 1;
    });
  }
}
