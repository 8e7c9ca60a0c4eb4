/** What became of the request of a call that failed. */
export type Outcome = "never_sent" | "refused" | "unknown";

export interface Credentials {
    /** The application's key and secret, or a bearer token that never expires. */
    key?: string;
    secret?: string;
    bearerToken?: string;
    /** The user that logs in; none for calls that carry the bearer token alone. */
    username?: string;
    password?: string;
}

/** The numbers that tune the session. Times are in whole milliseconds. */
export interface Settings {
    maxFailedLogins?: 1 | 2 | 3 | 4;
    loginInterval?: number;
    firstProbeAfter?: number;
    nextProbeAfter?: number;
    longestCheckPause?: number;
    /** Places beside the environment that may be given the tokens. */
    trustedOrigins?: { base: string; sessionHeader: string }[];
    scope?: string;
    clockSkew?: number;
    idleTimeout?: number;
    /** The time that one request may take; 30 seconds unless said otherwise. */
    attemptTimeout?: number;
    /** The time that one call may take, with all that it waits for. */
    callTimeout?: number;
    maxAttempts?: number;
    firstBackoff?: number;
    longestBackoff?: number;
    longestWait?: number;
    /** The largest body of a response in bytes; 16 MiB unless said otherwise. */
    maxBody?: number;
}

/** What a store has. */
export interface Loaded {
    /** JSON that holds live tokens: protect it as you would a password. */
    snapshot: string;
    /** The milliseconds since it was saved, by the store's own clock. */
    age: number;
}

/** What a store is to save. */
export interface Saving {
    /** The revision that it replaces; null if there is to be nothing yet. */
    seen: string | null;
    /** The revision of the snapshot, to be saved beside it. */
    revision: string;
    snapshot: string;
}

type Awaitable<T> = T | Promise<T>;

/** The place where a session is saved: a register with compare-and-swap. */
export interface Store {
    /** Loads what is saved; nothing if nothing is. */
    load(): Awaitable<Loaded | null | undefined>;
    /**
     * Saves in one step: true if it is saved and survives, false if the revision that is
     * saved is not `seen`. Throw if neither is certain.
     */
    save(saving: Saving): Awaitable<boolean>;
    /** The milliseconds between two looks of a call that waits; 100 unless said otherwise. */
    pollInterval?: number;
    /** Calls this whenever others may have changed what is saved. */
    watch?(changed: () => void): void;
}

/** A clock of one's own. It is asked for the milliseconds since 1970. */
export interface Clock {
    now(): number;
    setTimeout(callback: () => void, milliseconds: number): unknown;
    clearTimeout(timer: any): void;
}

export interface Event {
    /** The event's name, which does not change. */
    name:
        | "bearer_fetched"
        | "bearer_refused"
        | "logged_in"
        | "session_idle"
        | "session_refused"
        | "login_refused"
        | "login_lost"
        | "logins_blocked"
        | "logins_unblocked"
        | "password_reset"
        | "password_changed"
        | "logged_out"
        | "cooling_down"
        | "backing_off"
        | "lease_expired"
        | "replayed"
        | "retried"
        | "store_conflict"
        | "store_failed"
        | (string & {});
    /** It in one sentence, without a secret. */
    message: string;
    at: Date;
    until?: Date;
    attemptsLeft?: number;
    code?: string;
    /** The status of the response by which a login was refused. */
    status?: number;
    reason?: BlockReason;
}

export type BlockReason =
    | "wrong_credentials"
    | "cant_be_sent"
    | "budget_spent"
    | "password_in_doubt"
    | "awaiting_confirmation"
    | "password_outdated"
    | (string & {});

export interface LoginGuard {
    /** The reason why no login is made; undefined if it is open to logins. */
    blocked?: BlockReason;
    message: string;
    failedLogins: number;
    attemptsLeft: number;
    nextLogin?: Date;
    lastFailure?: string;
}

export interface State {
    environment: string;
    isOpen: boolean;
    openedAt?: Date;
    lastUsed?: Date;
    bearerRenewal?: Date;
    /** The operation in progress. */
    operation?: string;
    delayedUntil?: Date;
    loginGuard: LoginGuard;
    /** The number of calls that have not ended. */
    calls: number;
}

export type Source =
    | WebAssembly.Module
    | string
    | URL
    | Response
    | BufferSource
    | Promise<WebAssembly.Module | string | URL | Response | BufferSource>;

export interface Options {
    credentials: Credentials;
    /** "production" unless said otherwise, or the base address of another one. */
    environment?: "production" | "staging" | "mock" | (string & {});
    /** Where the session is saved. Without one, a restart forgets the login guard. */
    store?: Store;
    /** Sends the requests; the platform's own unless said otherwise. */
    fetch?: (url: string, init: RequestInit) => Promise<Response>;
    clock?: Clock;
    settings?: Settings;
    userAgent?: string;
    /** The seed of the jitter and of names, 64 random bits: another one for each client. */
    seed?: bigint;
    /** Takes the events. What it throws is dropped. */
    onEvent?: (event: Event) => unknown;
}

export interface CallRequest {
    /** A path below the environment's base, such as "/m2m/v1/devices". */
    path: string;
    method?: string;
    headers?: HeadersInit;
    body?: string | ArrayBuffer | ArrayBufferView | null;
    /** A value that is sent as JSON, instead of a body. */
    json?: unknown;
}

export interface Waiting {
    /** Gives the call up. It harms no other, and an operation that it began goes on. */
    signal?: AbortSignal;
    /** The milliseconds after which the call ends, whatever it waits for. */
    timeout?: number;
}

export interface CallOptions extends Waiting {
    /** True if doing it twice is the same as once; by its method unless said otherwise. */
    idempotent?: boolean;
    /** "bearer" for calls that take no session token. */
    tokens?: "both" | "bearer";
}

/** Compiles the module: the one beside this file, or another source of it. */
export function compile(source?: Source): Promise<WebAssembly.Module>;

/**
 * Returns the platform's own fetch, for clients that are given none: one that sends no
 * request again by itself. A fetch of your own should send by it.
 */
export function platformFetch(): (url: string, init: RequestInit) => Promise<Response>;

/** A client: one session, shared by all of its calls. */
export class Client {
    /** Makes a client whose module is compiled first, if none is given. */
    static create(options: Options & { module?: Source }): Promise<Client>;
    constructor(options: Options & { module: WebAssembly.Module });

    /** Makes a call, and returns its response, whose status is one of success. */
    call(request: string | URL | Request | CallRequest, options?: CallOptions): Promise<Response>;
    /** Opens a session, unless one is open. There is no need to. */
    logIn(options?: Waiting): Promise<void>;
    /** Ends the session. Returns true if one was open. */
    logOut(options?: Waiting): Promise<boolean>;
    /** Resets the password and returns the new one: save it, then confirm it. */
    requestReset(options?: Waiting): Promise<string>;
    /** Uses the new password of a reset from now on. */
    confirmReset(password: string, options?: Waiting): Promise<void>;
    /** Uses other credentials of the same application and user from now on. */
    setCredentials(credentials: Credentials): Promise<void>;
    /** Allows one login with the credentials as they are, whatever has failed before. */
    unblock(): Promise<void>;
    /** Ends the pause before the next token fetch or login. */
    retryNow(): Promise<void>;
    /** Loads what others have saved, and saves what they do not have. */
    sync(options?: Waiting): Promise<void>;
    /** The state of the session, without its tokens. */
    state(): State;
    /** Waits until nothing is in progress: for `waitUntil`. */
    idle(): Promise<void>;
    /** Breaks this client as a panic would, for tests of what comes after it. */
    crash(): void;
}

/** The error of a call. Neither its message nor its cause holds a secret. */
export class ThingspaceError extends Error {
    readonly kind:
        | "request"
        | "no_user"
        | "blocked"
        | "wrong_credentials"
        | "login_refused"
        | "app_refused"
        | "bearer_refused"
        | "session_refused"
        | "throttled"
        | "cooling_down"
        | "backing_off"
        | "refused"
        | "invalid_response"
        | "never_sent"
        | "no_response"
        | "store"
        | "not_confirmed"
        | "not_awaited"
        | "timed_out"
        | "aborted"
        | "credentials"
        | "panicked"
        | (string & {});
    readonly outcome: Outcome;
    /** The operation that failed, which the call needed first. */
    readonly prerequisite?: string;
    readonly passwordInDoubt: boolean;
    readonly retryAt?: Date;
    readonly status?: number;
    readonly code?: string;
    readonly loginGuard?: LoginGuard;
    /** The response as it came, if one did: it may hold a password. */
    readonly response?: { status: number; headers: Headers; body: Uint8Array };
    /** The new password that is not confirmed. */
    readonly newPassword?: string;
}

/** A store in memory, for clients of one process. */
export class MemoryStore implements Store {
    constructor(now?: () => number);
    load(): Loaded | undefined;
    save(saving: Saving): boolean;
    watch(changed: () => void): void;
}

/** As much of a Durable Object's storage as the store needs. */
export interface Storage {
    get(key: string): Promise<any>;
    transaction(
        closure: (transaction: {
            get(key: string): Promise<any>;
            put(key: string, value: any): Promise<void>;
        }) => Promise<boolean>,
    ): Promise<boolean>;
}

/** A store in the storage of a Durable Object. */
export class DurableObjectStore implements Store {
    constructor(storage: Storage, key?: string);
    load(): Promise<Loaded | undefined>;
    save(saving: Saving): Promise<boolean>;
}
