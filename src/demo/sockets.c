/* SPDX-License-Identifier: MIT */
#include "demo/sockets.h"

#include "base/err.h"
#include "cli/cli.h"
#include "io/sockaddr.h"
#include "io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_PORT = 8080 }; /* the usual one for a web server without privileges */

static struct skt_addr loopback(uint16_t port)
{
    struct skt_addr addr;
    (void)skt_addr_parse(&addr, "127.0.0.1", port);
    return addr;
}

/* A UDP socket on any free port, which is put into *port. */
static int bind_udp(uint16_t *port)
{
    union skt_sockaddr sa;
    struct skt_addr addr = loopback(0);
    socklen_t len = skt_sockaddr_of(&sa, &addr);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || skt_fd_prepare(fd) < 0 || bind(fd, &sa.sa, len) != 0 ||
        getsockname(fd, &sa.sa, &len) != 0) {
        if (fd >= 0)
            close(fd);
        return SKT_ERR_IO;
    }
    skt_sockaddr_read(&addr, &sa.sa);
    *port = addr.port;
    return fd;
}

static int listen_tcp(uint16_t wanted, uint16_t *port)
{
    struct skt_addr addr = loopback(wanted);
    int fd = skt_tcp_listen(&addr, 64);
    if (fd >= 0 && skt_tcp_local(fd, &addr) == SKT_OK)
        *port = addr.port;
    return fd;
}

/* A port that nobody listens on, for the client: the wanted one, or else a free one unless it must be that.
 */
static int choose_client_port(struct skt_demo_ports *ports, uint16_t wanted)
{
    bool any = wanted == 0;
    int fd = listen_tcp(any ? DEFAULT_PORT : wanted, &ports->client);
    if (fd < 0 && any)
        fd = listen_tcp(0, &ports->client);
    if (fd < 0)
        return SKT_ERR_IO;
    close(fd);
    return SKT_OK;
}

int skt_demo_sockets_open(struct skt_demo_sockets *s, struct skt_demo_ports *ports, uint16_t wanted)
{
    int ends[2];
    if (choose_client_port(ports, wanted) < 0)
        return skt_cli_failure("demo: port %u: %s", wanted, strerror(errno));
    int server_fd = bind_udp(&ports->server);
    s->target_fd = listen_tcp(0, &ports->target);
    s->link_fd = bind_udp(&ports->link);
    /* The server binds its port itself; until here it was held, so that the link's is another. */
    if (server_fd >= 0)
        close(server_fd);
    if (server_fd < 0 || s->target_fd < 0 || s->link_fd < 0 || pipe(ends) != 0)
        return skt_cli_failure("demo: no sockets on 127.0.0.1: %s", strerror(errno));
    s->report_in = ends[0];
    s->report_out = ends[1];
    /* Who writes waits where the pipe is full: the demo may be stopped for a while. */
    if (skt_fd_prepare(s->report_in) < 0 || fcntl(s->report_out, F_SETFD, FD_CLOEXEC) != 0)
        return skt_cli_failure("demo: %s", strerror(errno));
    return SKT_EXIT_OK;
}
