/* SPDX-License-Identifier: MIT */
/* The configuration: a Lua file that sets the global table `config`, run in a closed environment, checked
 * field by field and handed on as plain C. */
#ifndef SKT_CONFIG_CONFIG_H
#define SKT_CONFIG_CONFIG_H

#include "base/clock.h"
#include "base/log.h"
#include "base/reach.h"
#include "proto/primitives.h"
#include "proto/tuning.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_value;

enum {
    SKT_CONFIG_ERROR_MAX = 512, /* room that an error line needs at most, the end included */
    SKT_CONFIG_LIST_MAX = 1024, /* entries, listeners, targets, tickets: each list at most */
    SKT_CONFIG_KEYS_MAX = 8,    /* of `keys`: each costs the unmasking of a stranger's every packet */
};

enum skt_config_mode {
    SKT_CONFIG_PROXY_CLIENT,
    SKT_CONFIG_PROXY_SERVER,
    SKT_CONFIG_TUN_CLIENT,
    SKT_CONFIG_TUN_SERVER,
    SKT_CONFIG_CUSTOM, /* a name of the user's own, with a script */
};

struct skt_config_ports {
    uint16_t lo; /* the first one */
    uint16_t hi; /* the last one; equal to lo for a single port */
};

/* Several keys. */
struct skt_config_keys {
    uint8_t (*items)[SKT_KEY_LEN]; /* on the heap */
    size_t count;                  /* of `items`, at most SKT_CONFIG_KEYS_MAX */
};

/* 32 bytes that may not be there. */
struct skt_config_key {
    bool set;                   /* they are there */
    uint8_t bytes[SKT_KEY_LEN]; /* where set */
};

/* A server entry (skcp_servers) or a remote entry (skcp_remote_servers). */
struct skt_config_entry {
    bool server;                       /* of skcp_servers */
    char *address;                     /* server: to listen on, or "*"; remote: the server's, or its name */
    struct skt_config_ports port;      /* UDP ports of the server */
    char *password;                    /* without a zero inside; NULL: there is a key */
    char *password_file;               /* that `password` was read from, as it is written; NULL: none */
    struct skt_config_key key;         /* the pre-shared key; not set: there is a password */
    char *key_file;                    /* that `key` was read from, as it is written; NULL: none */
    struct skt_config_keys keys;       /* server: others that are good, too */
    struct skt_config_key server_key;  /* remote: the server's public key */
    struct skt_config_key private_key; /* server: its private key */
    struct skt_config_key ticket;      /* remote: the one that the client shows */
    struct skt_tuning tuning;          /* what else the entry sets */
};

struct skt_config_strings {
    char **items; /* on the heap, each of them and the list */
    size_t count; /* of `items` */
};

/* What a server connects to when its clients name an address. */
struct skt_config_relay {
    bool set; /* the configuration says something of it */
    bool on;  /* some addresses are connected to: by `reach` */
    struct skt_reach reach;
};

struct skt_config_ticket {
    uint8_t ticket[SKT_TICKET_LEN]; /* the secret */
    char *name;                     /* of its holder, for the log; NULL: none */
    char *tun_ip; /* the address that its holder has in the TUN's network; NULL: one it chooses */
    struct skt_config_strings subnets; /* networks behind the client */
    bool has_targets;                  /* the ticket may use only `targets`; else all of them */
    struct skt_config_strings targets; /* names of targets; "": the default one */
    int64_t sessions_max;              /* at the same time with this ticket; 0: no limit of its own */
    struct skt_config_relay relay;     /* where it is not set: that of the mode's table */
};

struct skt_config_target {
    char *name;    /* by which clients ask for it */
    char *host;    /* its address or name */
    uint16_t port; /* TCP */
};

struct skt_config_listener {
    char *addr;   /* IPv4 or IPv6, to listen on */
    int64_t port; /* TCP */
    char *target; /* of connections that come there: one of the server's, by name; "": its default one */
};

/* The selected mode's table. What was not set is NULL, 0 or the default. */
struct skt_config_mode_table {
    char *tcp_listen_addr;                 /* of the first listener; where tcp_listen_port is set */
    int64_t tcp_listen_port;               /* of the first listener */
    char *tcp_target_addr;                 /* of the default target */
    int64_t tcp_target_port;               /* of the default target */
    int64_t tcp_read_buf_size;             /* bytes that a script reads from TCP at a time */
    double tcp_keepalive;                  /* s without a byte until a connection is closed; 0: never */
    double tcp_recv_timeout;               /* s: limit of a connect */
    double tcp_send_timeout;               /* s; accepted, without effect */
    double tcp_timeout_interval;           /* s; accepted, without effect */
    struct skt_config_entry *entries;      /* skcp_servers, then skcp_remote_servers */
    size_t entry_count;                    /* of `entries` */
    bool has_tickets;                      /* only those of `tickets` are let in; else every ticket */
    char *tickets_file;                    /* that some of `tickets` are from, as it is written; NULL: none */
    struct skt_config_ticket *tickets;     /* in no order */
    size_t ticket_count;                   /* of `tickets` */
    struct skt_config_listener *listeners; /* that of tcp_listen_addr and tcp_listen_port first, where set */
    size_t listener_count;                 /* of `listeners` */
    struct skt_config_target *targets;     /* those with names, in no order */
    size_t target_count;                   /* of `targets` */
    char *tun_ip;                          /* the TUN's IPv4 address */
    char *tun_mask;                        /* of tun_ip: "255.255.255.0" */
    char *tun_ip6;                         /* the TUN's IPv6 address with its prefix */
    char *tun_name;                        /* of the interface; NULL: the system chooses */
    char *up;                              /* a program to run once a session is up and the network is set */
    char *down;                            /* a program to run before that is undone */
    int64_t tun_mtu;                       /* bytes; 0: automatic */
    bool nat;                         /* packets get an address of this machine on their way: doc/tun.md */
    bool kill_switch;                 /* tun_client: what goes into the tunnel never leaves by another way */
    bool tun_plain;                   /* tun_offload = false */
    bool relay_tcp;                   /* tun_client: TCP goes in streams, where it can */
    struct skt_config_relay relay;    /* tun_server: what it connects such streams to */
    struct skt_config_strings routes; /* networks that go into the TUN */
    struct skt_config_strings dns;    /* name servers while the TUN is there */
};

struct skt_config {
    char *path;                /* of the file, as given */
    char *real_path;           /* the same, absolute and without links, where it is a file */
    char *name;                /* the file's name without folder and .lua; names socket and state files */
    enum skt_config_mode mode; /* of mode_name */
    char *mode_name;           /* as the file has it */
    char *script_file; /* the script to run instead of the built-in one, found; NULL: the built-in one */
    char *script_dir;  /* where `require` looks: the script's folder, or the config's */
    struct skt_config_mode_table table; /* the one that is named as the mode */
    struct skt_value *user;             /* a custom mode's own fields (a table), or NULL */

    enum skt_log_level log_level; /* lines up to this one are written */
    char *log_file;               /* where the log goes; NULL: stderr */
    char *trace_file;             /* what happens in sessions is written there; NULL: nothing is traced */
    int64_t trace_file_max;       /* MiB; the trace ends there */
    char *status_socket;          /* never NULL; "" (config: "off"): none. Default /run/skcptun/<name>.sock */
    char *metrics_addr;           /* where metrics are read, see config/metrics.h; NULL: nowhere */
    char *run_as;                 /* `user`: the account to become after the start, or NULL */
    uint64_t max_memory;          /* bytes; 0: not set; see skt_config_max_memory */
    int64_t workers;              /* loops; 1 is all there is */

    struct skt_config_strings files;    /* that were read besides: their paths from here */
    struct skt_config_strings warnings; /* one line each, for the caller to log */
};

/* Runs and checks the file. SKT_OK; SKT_ERR_ARG: why holds one line that says what is wrong (exit status 2);
 * SKT_ERR_NOMEM. Derives no key (that takes long): see skt_config_psk. */
int skt_config_load(struct skt_config **out, const char *path, char *why, size_t why_cap);

/* Who opens the configuration and the files that it names, for reading. */
struct skt_config_opener {
    int (*open)(void *user, const char *path); /* -1 with errno */
    void *user;                                /* for open */
};

/* The same, where what is read is opened by somebody else. */
int skt_config_load_by(struct skt_config **out, const char *path, const struct skt_config_opener *by,
                       char *why, size_t why_cap);

/* The same for text in memory; `path` stands for the file in messages, gives the name and the folder. */
int skt_config_load_text(struct skt_config **out, const char *path, const char *text, size_t len, char *why,
                         size_t why_cap);

/* The name of an instance whose own name another one has, with a configuration elsewhere: the name and a hash
 * of the file's path. Heap; NULL without memory. */
char *skt_config_other_name(const struct skt_config *conf);

/* Frees everything, wiping secrets; NULL is allowed. */
void skt_config_free(struct skt_config *conf);

/* Reads the file as skt_config_load does, and finds all that is wrong with it: one line each, with the number
 * of its line in the file where that is known. SKT_OK; SKT_ERR_ARG: *out is NULL, `problems` says why;
 * SKT_ERR_NOMEM. The caller frees `problems`. */
int skt_config_check(struct skt_config **out, const char *path, struct skt_config_strings *problems);
void skt_config_strings_free(struct skt_config_strings *list);

/* The pre-shared key of an entry: its key, or derived from the password (about 0.1 s and 16 MiB), or the
 * first of `keys`. SKT_ERR_CRYPTO. */
int skt_config_psk(const struct skt_config_entry *entry, uint8_t psk[SKT_KEY_LEN]);

/* max_memory in a size_t: the most that there is where that is less. 0: not set. */
size_t skt_config_max_memory(const struct skt_config *conf);

/* The name of a mode as it is written in the file. */
const char *skt_config_mode_str(enum skt_config_mode mode);

#endif
