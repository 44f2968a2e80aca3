"""One training step of UNIT and of CycleGAN as a Python user would write it: networks of
tests/unit/nn/golden/image_networks.py, losses and order of updates of the published codes. Both are
written as frugally as Python allows: translations that teach nobody keep no graph, and a
discriminator that is only asked gets no gradients."""

import pathlib
import sys

import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests/unit/nn/golden"))
import image_networks as networks  # noqa: E402


def adam(parameters, lr=1e-4, weight_decay=1e-4):
    return torch.optim.Adam(parameters, lr=lr, betas=(0.5, 0.999), weight_decay=weight_decay,
                            fused=True)


def set_frozen(network, frozen):
    for parameter in network.parameters():
        parameter.requires_grad_(not frozen)


class Unit:
    """`noise(h, pass_number)`: standard normal numbers like h."""

    def __init__(self, generators, discriminators, optimizer=adam, noise=None):
        self.gen, self.dis = generators, discriminators
        self.gen_optimizer = optimizer(generators.parameters())
        self.dis_optimizer = optimizer(discriminators.parameters())
        self.noise = noise or (lambda h, _: torch.randn_like(h))

    def step(self, a, b):
        """Losses by name."""
        gen, dis, noise = self.gen, self.dis, self.noise
        self.dis_optimizer.zero_grad()
        with torch.no_grad():
            h_a, h_b = gen.a.enc(a), gen.b.enc(b)
            ab = gen.b.dec(h_a + noise(h_a, 0))
            ba = gen.a.dec(h_b + noise(h_b, 1))
        loss_d = 0
        for discriminator, fake, real in ((dis.a, ba, a), (dis.b, ab, b)):
            for score in discriminator(fake):
                loss_d = loss_d + (score**2).mean()
            for score in discriminator(real):
                loss_d = loss_d + ((score - 1)**2).mean()
        loss_d.backward()
        self.dis_optimizer.step()

        set_frozen(dis, True)
        self.gen_optimizer.zero_grad()
        h_a, h_b = gen.a.enc(a), gen.b.enc(b)
        z_a, z_b = h_a + noise(h_a, 2), h_b + noise(h_b, 3)
        aa, ab, bb, ba = gen.a.dec(z_a), gen.b.dec(z_a), gen.b.dec(z_b), gen.a.dec(z_b)
        h_aba, h_bab = gen.b.enc(ab), gen.a.enc(ba)
        aba = gen.a.dec(h_aba + noise(h_aba, 4))
        bab = gen.b.dec(h_bab + noise(h_bab, 5))
        adversarial = sum(((score - 1)**2).mean() for discriminator, fake in
                          ((dis.a, ba), (dis.b, ab)) for score in discriminator(fake))
        loss_g = (adversarial
                  + 10 * (F.l1_loss(aa, a) + F.l1_loss(bb, b))
                  + 0.01 * ((h_a**2).mean() + (h_b**2).mean())
                  + 10 * (F.l1_loss(aba, a) + F.l1_loss(bab, b))
                  + 0.01 * ((h_aba**2).mean() + (h_bab**2).mean()))
        loss_g.backward()
        self.gen_optimizer.step()
        set_frozen(dis, False)
        return {"loss": loss_g.detach(), "discriminator_loss": loss_d.detach()}


class CycleGan:
    """`generators`: a_to_b, b_to_a; `discriminators`: a, b. `shown(name, fakes)`: what the pool
    gives for them."""

    def __init__(self, generators, discriminators, optimizer=adam, shown=None):
        self.gen, self.dis = generators, discriminators
        self.gen_optimizer = optimizer(generators.parameters())
        self.dis_optimizer = optimizer(discriminators.parameters())
        self.shown = shown or (lambda _, fakes: fakes)

    def step(self, a, b):
        gen, dis = self.gen, self.dis
        a_to_b, b_to_a = gen["a_to_b"], gen["b_to_a"]
        set_frozen(dis, True)
        self.gen_optimizer.zero_grad()
        ab, ba = a_to_b(a), b_to_a(b)
        loss_g = (((dis["b"](ab) - 1)**2).mean() + ((dis["a"](ba) - 1)**2).mean()
                  + 10 * F.l1_loss(b_to_a(ab), a) + 10 * F.l1_loss(a_to_b(ba), b)
                  + 5 * F.l1_loss(a_to_b(b), b) + 5 * F.l1_loss(b_to_a(a), a))
        loss_g.backward()
        self.gen_optimizer.step()
        set_frozen(dis, False)

        self.dis_optimizer.zero_grad()
        loss_d = 0
        for name, real, fake in (("a", a, ba), ("b", b, ab)):
            fake = self.shown(name, fake.detach())
            loss_d = loss_d + 0.5 * (((dis[name](real) - 1)**2).mean() + (dis[name](fake)**2).mean())
        loss_d.backward()
        self.dis_optimizer.step()
        return {"loss": loss_g.detach(), "discriminator_loss": loss_d.detach()}


def make_unit(width, blocks, discriminator_width, layer_norm, prepare=lambda network: network,
              **options):
    return Unit(prepare(networks.UnitTranslator(width, blocks)),
                prepare(networks.UnitDiscriminators(discriminator_width, layer_norm)), **options)


def make_cyclegan(width, blocks, discriminator_width, prepare=lambda network: network, **options):
    generators = torch.nn.ModuleDict({
        name: networks.cyclegan_generator(width, blocks) for name in ("a_to_b", "b_to_a")})
    discriminators = torch.nn.ModuleDict({
        name: networks.patch_discriminator(discriminator_width) for name in ("a", "b")})
    return CycleGan(prepare(generators), prepare(discriminators), **options)


class ImagePool:
    """CycleGAN's, one picture after another."""

    def __init__(self, size=50):
        self.size, self.pictures = size, []

    def query(self, fakes):
        shown = []
        for fake in fakes:
            fake = fake.unsqueeze(0)
            if len(self.pictures) < self.size:
                self.pictures.append(fake)
                shown.append(fake)
            elif torch.rand(()).item() > 0.5:
                place = int(torch.randint(self.size, ()))
                shown.append(self.pictures[place].clone())
                self.pictures[place] = fake
            else:
                shown.append(fake)
        return torch.cat(shown)
